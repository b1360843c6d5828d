from django.urls import path

from console.prices import tenant

urlpatterns = [path("", tenant.page, name="tenant-prices")]
