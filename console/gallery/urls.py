from django.urls import path

from console.gallery import views

urlpatterns = [path("", views.page, name="gallery")]
