"""The site's list of tenants, and their groups."""

from django.urls import path

from console.tenants import groups, views

urlpatterns = [
    path("", views.page, name="tenants"),
    path("new/", views.make, name="new-tenant"),
    path("groups/", groups.page, name="groups"),
    path("groups/new/", groups.make, name="new-group"),
]
