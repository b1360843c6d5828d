from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("relay.api.urls")),
    path("console/", include("console.urls")),
    path("", RedirectView.as_view(pattern_name="console:home")),
]

handler400 = "relay.api.errors.bad_request"
handler404 = "relay.api.errors.not_found"
handler500 = "relay.api.errors.crashed"
