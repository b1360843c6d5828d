from django.urls import path

from console.reports import views

urlpatterns = [path("", views.page, name="reports")]
