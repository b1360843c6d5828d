"""Where a tenant is called back and told of things, and the secret that signs it."""

from typing import Any

from rest_framework import serializers

from billing import notices
from billing.models import LowBalance, Tenant
from billing.tenants import make_webhook_secret
from relay.api.v1.fields import Items, Money, Strict, WebAddress
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import list_of
from relay.api.v1.roles import Right

MAILS_MAX = 20


class Hooks(Strict):
    default_hook = WebAddress(
        required=False, allow_blank=True, help_text="For tasks that name none; empty: none."
    )
    notice_hook = WebAddress(
        required=False, allow_blank=True, help_text="Gets signed notices; empty: none."
    )
    notice_mails = Items(
        child=serializers.EmailField(),
        most=MAILS_MAX,
        required=False,
        help_text="Who gets notices by mail.",
    )


class Secret(Strict):
    secret = serializers.CharField(help_text="Shown this once only.")


class NewThresholds(Strict):
    amounts = Items(
        child=Money(least=1),
        most=notices.THRESHOLDS_MAX,
        help_text="All of them; the others go. Told once each time the available money falls "
        "below one.",
    )


class Threshold(Strict):
    amount = Money()
    is_below = serializers.BooleanField()


class HooksView(View):
    tag = "hooks"

    @operation(Right.SEE, "Show the hooks", answer=Hooks)
    def get(self, call: Call) -> Tenant:
        return call.tenant

    @operation(Right.HOOKS, "Change the hooks", body=Hooks, answer=Hooks)
    def patch(self, call: Call) -> Tenant:
        if call.body:
            Tenant.objects.filter(pk=call.tenant.pk).update(**call.body)
            call.tenant.refresh_from_db()
        return call.tenant


class SecretRotation(View):
    tag = "hooks"

    @operation(Right.HOOKS, "Replace the secret that signs callbacks and notices", answer=Secret)
    def post(self, call: Call) -> dict[str, Any]:
        secret = make_webhook_secret()
        Tenant.objects.filter(pk=call.tenant.pk).update(webhook_secret=secret)
        return {"secret": secret}


class Thresholds(View):
    tag = "hooks"

    @operation(Right.SEE, "List the low-balance thresholds", answer=list_of(Threshold))
    def get(self, call: Call) -> dict[str, Any]:
        return _thresholds(call.tenant)

    @operation(
        Right.THRESHOLDS,
        "Set at which balances to be told",
        body=NewThresholds,
        answer=list_of(Threshold),
    )
    def put(self, call: Call) -> dict[str, Any]:
        notices.set_thresholds(call.tenant, call.body["amounts"])
        return _thresholds(call.tenant)


def _thresholds(tenant: Tenant) -> dict[str, Any]:
    return {"data": LowBalance.objects.filter(tenant=tenant).order_by("-amount")}
