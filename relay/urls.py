from django.urls import include, path

from relay.api.front_door import FrontDoor

urlpatterns = [
    path("", include("relay.api.urls")),
    path("api/v1/", include("relay.api.v1.urls")),
    path("console/account/", include("console.accounts.urls")),
    path("console/", include("console.urls")),
    path("", FrontDoor.as_view()),
]

handler400 = "relay.api.errors.bad_request"
handler404 = "relay.api.errors.not_found"
handler500 = "relay.api.errors.crashed"
