from django.urls import path

from console.callbacks import hooks, messages

urlpatterns = [
    path("", messages.page, name="callbacks"),
    path("<int:callback_id>/", messages.one, name="callback"),
    path("<int:callback_id>/replay/", messages.replay, name="replay-callback"),
    path("replay/", messages.replay_many, name="replay-callbacks"),
    path("hooks/", hooks.page, name="hooks"),
    path("hooks/change/", hooks.change, name="change-hooks"),
    path("hooks/secret/", hooks.secret, name="hook-secret"),
    path("hooks/secret/rotate/", hooks.rotate, name="rotate-hook-secret"),
    path("hooks/<int:hook_id>/switch-on/", hooks.switch_on, name="switch-hook-on"),
    path("tests/", hooks.tests, name="hook-tests"),
    path("tests/new/", hooks.test, name="new-hook-test"),
]
