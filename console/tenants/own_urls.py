"""What the site sets for one tenant."""

from django.urls import path

from console.tenants import settings

urlpatterns = [
    path("", settings.page, name="tenant-settings"),
    path("change/", settings.change, name="change-tenant"),
    path("disable/", settings.disable, name="disable-tenant"),
    path("enable/", settings.enable, name="enable-tenant"),
]
