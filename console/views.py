from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from console import who


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Leads everybody to where he belongs; who belongs nowhere is told so."""
    place = who.place_of(request)
    return redirect(place) if place else render(request, "console/home.html")
