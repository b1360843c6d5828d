"""The orders of all tenants."""

from django.urls import path

from console.topups import site

urlpatterns = [
    path("", site.page, name="top-ups"),
    path("<int:order_id>/", site.one, name="top-up-of-somebody"),
    path("<int:order_id>/settle/", site.settle, name="settle-top-up"),
    path("<int:order_id>/dismiss/", site.dismiss, name="dismiss-top-up"),
]
