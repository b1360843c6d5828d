from django.urls import path

from console.statements import views

urlpatterns = [path("", views.page, name="statements")]
