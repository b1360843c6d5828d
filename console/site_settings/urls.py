from django.urls import path

from console.site_settings import views

urlpatterns = [
    path("", views.page, name="settings"),
    path("<slug:group>/change/", views.change, name="change-settings"),
    path("back/<slug:name>/", views.back, name="reset-setting"),
]
