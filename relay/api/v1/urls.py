"""The routes. A tenant's are there twice: for its own keys, and below the tenant for the site's."""

from django.urls import URLPattern, URLResolver, include, path

from relay.api.v1 import (
    book_lines,
    books,
    callbacks,
    channels,
    codes,
    entries,
    hooks,
    keys,
    management_keys,
    members,
    notices,
    pages,
    prices,
    proofs,
    reports,
    statements,
    tasks,
    tenants,
    topups,
    usage,
    wallets,
)

Routes = list[URLPattern | URLResolver]

of_a_tenant: Routes = [
    path("keys", keys.Keys.as_view()),
    path("keys/<int:key_id>", keys.OneKey.as_view()),
    path("keys/<int:key_id>/rotate", keys.KeyRotation.as_view()),
    path("keys/<int:key_id>/disable", keys.KeyDisabling.as_view()),
    path("keys/<int:key_id>/enable", keys.KeyEnabling.as_view()),
    path("test-wallet/refill", keys.TestWallet.as_view()),
    path("tasks", tasks.Tasks.as_view()),
    path("tasks/<int:task_id>", tasks.OneTask.as_view()),
    path("callbacks", callbacks.Callbacks.as_view()),
    path("callbacks/<int:callback_id>", callbacks.OneCallback.as_view()),
    path("callbacks/<int:callback_id>/replay", callbacks.Replay.as_view()),
    path("hooks", hooks.HooksView.as_view()),
    path("hooks/secret/rotate", hooks.SecretRotation.as_view()),
    path("thresholds", hooks.Thresholds.as_view()),
    path("notices", notices.Notices.as_view()),
    path("wallet", entries.WalletView.as_view()),
    path("entries", entries.Entries.as_view()),
    path("usage", usage.Usage.as_view()),
    path("statement", statements.Statement.as_view()),
    path("prices", prices.Prices.as_view()),
    path("codes/redeem", codes.Redeem.as_view()),
    path("payment-services", topups.Providers.as_view()),
    path("top-ups", topups.Orders.as_view()),
    path("top-ups/<int:order_id>", topups.OneOrder.as_view()),
    path("members", members.Members.as_view()),
    path("members/<int:member_id>", members.OneMember.as_view()),
    path("management-keys", management_keys.ManagementKeys.as_view()),
    path(
        "management-keys/<int:management_key_id>/rotate",
        management_keys.ManagementKeyRotation.as_view(),
    ),
    path(
        "management-keys/<int:management_key_id>/disable",
        management_keys.ManagementKeyDisabling.as_view(),
    ),
    path(
        "management-keys/<int:management_key_id>/enable",
        management_keys.ManagementKeyEnabling.as_view(),
    ),
]
# Only the site's keys, below the tenant.
by_the_site: Routes = [
    path("wallet/top-up", wallets.TopUps.as_view()),
    path("wallet/adjust", wallets.Adjustments.as_view()),
    path("wallet/credit-limit", wallets.Credit.as_view()),
    path("tasks/<int:task_id>/refund", wallets.Refunds.as_view()),
]
of_a_book: Routes = [
    path("", books.OneBook.as_view()),
    path("/rules", book_lines.Rules.as_view()),
    path("/rules/<int:rule_id>", book_lines.OneRule.as_view()),
    path("/ratios", book_lines.Ratios.as_view()),
    path("/ratios/<int:ratio_id>", book_lines.OneRatio.as_view()),
    path("/content", book_lines.BookContent.as_view()),
    path("/new-api", book_lines.NewApiPrices.as_view()),
    path("/diff", books.BookDiff.as_view()),
    path("/preview", books.BookPreview.as_view()),
    path("/publish", books.Publishing.as_view()),
    path("/withdraw", books.Withdrawal.as_view()),
    path("/roll-back", books.RollBack.as_view()),
]
of_the_site: Routes = [
    path("tenants", tenants.Tenants.as_view()),
    path("tenants/<int:tenant_id>", tenants.OneTenant.as_view()),
    path("tenants/<int:tenant_id>/", include([*of_a_tenant, *by_the_site])),
    path("groups", tenants.Groups.as_view()),
    path("price-books", books.Books.as_view()),
    path("price-books/<int:book_id>", include(of_a_book)),
    path("channels", channels.Channels.as_view()),
    path("channels/<int:channel_id>", channels.OneChannel.as_view()),
    path("channels/<int:channel_id>/costs", channels.ChannelCosts.as_view()),
    path("code-batches", codes.Batches.as_view()),
    path("code-batches/<int:batch_id>", codes.OneBatch.as_view()),
    path("code-batches/<int:batch_id>/disable", codes.BatchDisabling.as_view()),
    path("top-ups/<int:order_id>/settle", topups.Settlements.as_view()),
    path("top-ups/<int:order_id>/dismiss", topups.Dismissals.as_view()),
    path("reports", reports.Reports.as_view()),
    path("proofs", proofs.Proofs.as_view()),
]
urlpatterns: Routes = [
    *of_a_tenant,
    *of_the_site,
    path("openapi.json", pages.OpenApi.as_view()),
    path("docs", pages.Docs.as_view()),
]
