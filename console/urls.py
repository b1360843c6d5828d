from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from console import display, suggestions, views
from console.topups import own as topups

app_name = "console"
urlpatterns = [
    path("", views.home, name="home"),
    path("display/", display.choose, name="display"),
    path("suggest/tenants/", suggestions.tenants, name="suggest-tenants"),
    path("suggest/channels/", suggestions.channels, name="suggest-channels"),
    path("tenants/<int:tenant_id>/suggest/keys/", suggestions.keys, name="suggest-keys"),
    path("tasks/", include("console.tasks.urls")),
    path("tenants/<int:tenant_id>/", include("console.tenant_home.urls")),
    path("tenants/<int:tenant_id>/tasks/", include("console.tasks.tenant_urls")),
    path("tenants/<int:tenant_id>/gallery/", include("console.gallery.urls")),
    path("overview/", include("console.overview.urls")),
    path("channels/", include("console.channels.urls")),
    path("tenants/", include("console.tenants.urls")),
    path("codes/", include("console.codes.urls")),
    path("top-ups/", include("console.topups.urls")),
    path("reports/", include("console.reports.urls")),
    path("paid/<slug:number>/", topups.paid, name="paid"),
    path("tenants/<int:tenant_id>/settings/", include("console.tenants.own_urls")),
    path("tenants/<int:tenant_id>/entries/", include("console.entries.urls")),
    path("tenants/<int:tenant_id>/usage/", include("console.usage.urls")),
    path("tenants/<int:tenant_id>/statements/", include("console.statements.urls")),
    path("tenants/<int:tenant_id>/top-up/", include("console.topups.own_urls")),
    path("tenants/<int:tenant_id>/keys/", include("console.keys.urls")),
    path("tenants/<int:tenant_id>/playground/", include("console.playground.urls")),
    path("tenants/<int:tenant_id>/docs/", include("console.docs.urls")),
    path("tenants/<int:tenant_id>/prices/", include("console.prices.tenant_urls")),
    path("prices/", include("console.prices.urls")),
    path("tenants/<int:tenant_id>/callbacks/", include("console.callbacks.urls")),
    path("tenants/<int:tenant_id>/members/", include("console.members.urls")),
    path("tenants/<int:tenant_id>/notices/", include("console.notices.urls")),
    path("tenants/<int:tenant_id>/audit/", include("console.audit.urls")),
    path("notices/", include("console.notices.site_urls")),
    path("announcements/", include("console.announcements.urls")),
    path("settings/", include("console.site_settings.urls")),
    path("staff/", include("console.staff.urls")),
    path("audit/", include("console.audit.site_urls")),
    path(
        "sign-in/",
        RedirectView.as_view(pattern_name="account_login", query_string=True),
        name="sign-in",
    ),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
]
