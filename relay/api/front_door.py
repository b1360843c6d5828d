from django.http import HttpResponse
from django.shortcuts import redirect
from rest_framework.request import Request
from rest_framework.views import APIView


class FrontDoor(APIView):
    """GET /: people who type the bare address are led to the console."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> HttpResponse:
        return redirect("console:home")
