from django.urls import include, path

from console.channels import actions, changes, costs, credentials, history, views

of_one = [
    path("", views.one, name="channel"),
    path("change/", changes.change, name="change-channel"),
    path("clone/", changes.clone, name="clone-channel"),
    path("delete/", changes.delete, name="delete-channel"),
    path("set/<str:field>/", changes.set_field, name="set-channel"),
    path("state/<str:state>/", actions.state, name="channel-state"),
    path("close-breaker/", actions.close_breaker, name="close-breaker"),
    path("test/", actions.test, name="test-channel"),
    path("costs/", costs.edit, name="channel-costs"),
    path("history/", history.events, name="channel-history"),
    path("attempts/", history.attempts, name="channel-attempts"),
    path("probes/", history.probes, name="channel-probes"),
    path("credentials/new/", credentials.add, name="new-credential"),
    path("credentials/<int:credential_id>/", credentials.change, name="change-credential"),
    path("credentials/<int:credential_id>/off/", credentials.off, name="credential-off"),
    path("credentials/<int:credential_id>/on/", credentials.on, name="credential-on"),
    path("credentials/<int:credential_id>/delete/", credentials.delete, name="delete-credential"),
]
urlpatterns = [
    path("", views.page, name="channels"),
    path("new/", changes.make, name="new-channel"),
    path("several/", actions.several, name="several-channels"),
    path("<int:channel_id>/", include(of_one)),
]
