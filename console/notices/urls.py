from django.urls import path

from console.notices import views

urlpatterns = [
    path("", views.page, name="notices"),
    path("change/", views.change, name="change-notices"),
]
