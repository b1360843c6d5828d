"""The tenant API: one list of routes, served under several prefixes (tenant-api, section 1)."""

from django.urls import URLPattern, URLResolver, include, path

from relay.api import account, docs, health, hints, media, metrics, payments, readers, views

# Prefix, and the speed mode that it means.
MJ_PREFIXES = {
    "mj": "",
    "v1/mj": "",
    "fast/mj": "fast",
    "relax/mj": "relax",
    "turbo/mj": "turbo",
    "mj-fast/mj": "fast",
    "mj-relax/mj": "relax",
    "mj-turbo/mj": "turbo",
}
SUBMITS = {
    "submit/imagine": readers.imagine,
    "submit/blend": readers.blend,
    "submit/describe": readers.describe,
    "submit/shorten": readers.shorten,
    "submit/change": readers.change,
    "submit/simple-change": readers.simple_change,
    "submit/edits": readers.edits,
    "submit/edit": readers.edits,
    "submit/video": readers.video,
}

# Django looks at one after the other: what is asked most comes first.
mj: list[URLPattern | URLResolver] = [
    path("task/<task_id>/fetch", views.Fetch.as_view()),
    *(path(route, views.Submit.as_view(reader=(reader,))) for route, reader in SUBMITS.items()),
    path("submit/action", views.Button.as_view()),
    path("submit/modal", views.Modal.as_view()),
    path("submit/upload-discord-images", views.Upload.as_view()),
    path("insight-face/swap", views.Swap.as_view()),
    path("task/list-by-condition", views.ListByCondition.as_view()),
    path("task/list-by-ids", views.ListByCondition.as_view()),
    path("task/list", views.List.as_view()),
    path("task/queue", views.Queue.as_view()),
    path("task/<task_id>/image-seed", views.ImageSeed.as_view()),
    path("task/<task_id>/cancel", views.Cancel.as_view()),
    path("image/<task_id>", media.Image.as_view()),
    path("video/<task_id>/<int:number>", media.Video.as_view()),
]
billing: list[URLPattern | URLResolver] = [
    path("dashboard/billing/subscription", account.Subscription.as_view()),
    path("dashboard/billing/usage", account.Usage.as_view()),
]
urlpatterns = [
    *(path(f"{prefix}/", include(mj), {"path_mode": mode}) for prefix, mode in MJ_PREFIXES.items()),
    path("v1/models", account.Models.as_view()),
    path("v1/", include(billing)),
    path("", include(billing)),
    path("api/usage/token", account.TokenUsage.as_view()),
    path("hints/<word>", hints.Hint.as_view()),
    path("pay/stripe/webhook", payments.StripeWebhook.as_view()),
    path("pay/epay/notify", payments.EPayNotice.as_view()),
    path("pay/return", payments.come_back),
    path("openapi.json", docs.OpenApi.as_view()),
    path("docs", docs.Docs.as_view()),
    path("healthz", health.Health.as_view()),
    path("readyz", health.Readiness.as_view()),
    path("metrics", metrics.Metrics.as_view()),
]
