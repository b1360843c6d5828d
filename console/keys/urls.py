from django.urls import path

from console.keys import views

urlpatterns = [
    path("", views.page, name="keys"),
    path("new/", views.make, name="new-key"),
    path("<int:key_id>/", views.one, name="key"),
    path("<int:key_id>/change/", views.change, name="change-key"),
    path("<int:key_id>/rotate/", views.rotate, name="rotate-key"),
    path("<int:key_id>/disable/", views.disable, name="disable-key"),
    path("<int:key_id>/enable/", views.enable, name="enable-key"),
]
