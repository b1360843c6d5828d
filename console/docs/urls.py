from django.urls import path

from console.docs import views

urlpatterns = [
    path("", views.page, name="docs"),
    path("reference/", views.reference, name="docs-reference"),
    path("key/", views.make_key, name="docs-key"),
]
