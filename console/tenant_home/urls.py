from django.urls import path

from console.tenant_home import views

urlpatterns = [path("", views.page, name="tenant")]
