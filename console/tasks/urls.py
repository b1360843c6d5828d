from django.urls import path

from console.tasks import actions, views

# Everybody's, for the site's staff.
urlpatterns = [
    path("", views.page, name="tasks"),
    path("<int:task_id>/", views.one, name="task"),
    path("<int:task_id>/look/", actions.look, name="look-at-task"),
    path("<int:task_id>/settle/", actions.settle, name="settle-task"),
    path("<int:task_id>/refund/", actions.refund, name="refund-task"),
]
