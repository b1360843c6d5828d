from django.urls import path

from console.announcements import views

urlpatterns = [
    path("", views.page, name="announcements"),
    path("new/", views.make, name="new-announcement"),
    path("<int:announcement_id>/change/", views.change, name="change-announcement"),
    path("<int:announcement_id>/end/", views.end, name="end-announcement"),
    path("<int:announcement_id>/delete/", views.delete, name="delete-announcement"),
]
