from django.urls import path

from console.notices import views

urlpatterns = [path("", views.page, name="site-notices")]
