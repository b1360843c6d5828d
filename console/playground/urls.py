from django.urls import path

from console.playground import views

urlpatterns = [
    path("", views.page, name="playground"),
    path("preview/", views.preview, name="playground-preview"),
    path("tasks/<int:task_id>/", views.live, name="playground-task"),
    path("tasks/<int:task_id>/press/", views.press, name="playground-press"),
    path("tasks/<int:task_id>/confirm/", views.confirm, name="playground-confirm"),
    path("tasks/<int:task_id>/cancel/", views.cancel, name="playground-cancel"),
    path("tasks/<int:task_id>/seed/", views.seed, name="playground-seed"),
    path("tasks/<int:task_id>/code/", views.code, name="playground-code"),
    path("tasks/<int:task_id>/forget/", views.forget, name="playground-forget"),
]
