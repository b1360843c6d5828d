from django.urls import path

from console.usage import views

urlpatterns = [path("", views.page, name="usage")]
