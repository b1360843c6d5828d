from django.urls import path

from console.tasks import views

# One tenant's; the list of them is the gallery.
urlpatterns = [path("<int:task_id>/", views.of_tenant, name="tenant-task")]
