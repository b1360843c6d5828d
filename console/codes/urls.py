from django.urls import path

from console.codes import views

urlpatterns = [
    path("", views.page, name="codes"),
    path("new/", views.make, name="new-codes"),
    path("<int:batch_id>/", views.one, name="code-batch"),
    path("<int:batch_id>/disable/", views.disable, name="disable-codes"),
    path("<int:batch_id>/<int:code_id>/disable/", views.disable_code, name="disable-code"),
]
