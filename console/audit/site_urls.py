from django.urls import path

from console.audit import views

urlpatterns = [path("", views.page, name="site-audit")]
