"""The tenant API: one list of routes, served under several prefixes."""

from django.urls import URLPattern, URLResolver, include, path

from relay.api import account, health, hints, views

MJ_PREFIXES = ("mj",)

mj: list[URLPattern | URLResolver] = [
    path("submit/imagine", views.Imagine.as_view()),
    path("task/<task_id>/fetch", views.Fetch.as_view()),
    path("task/list-by-condition", views.ListByCondition.as_view()),
    path("task/list-by-ids", views.ListByCondition.as_view()),
    path("image/<task_id>", views.Image.as_view()),
]
billing: list[URLPattern | URLResolver] = [
    path("dashboard/billing/subscription", account.Subscription.as_view()),
    path("dashboard/billing/usage", account.Usage.as_view()),
]
urlpatterns = [
    *(path(f"{prefix}/", include(mj)) for prefix in MJ_PREFIXES),
    path("v1/", include(billing)),
    path("", include(billing)),
    path("hints/<word>", hints.Hint.as_view()),
    path("healthz", health.Health.as_view()),
    path("readyz", health.Readiness.as_view()),
]
