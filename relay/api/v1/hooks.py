"""Where a tenant is called back and told of things, and the secret that signs it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers

from billing import notices, tenants
from billing.models import LowBalance, Tenant
from relay.api.v1.fields import Items, Money, Once, Strict, WebAddress, Whole, taken
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, list_of, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest
from relay.messages import hook_tests, hooks
from relay.models import Hook, HookTest

MAILS_MAX = 20
OVERLAP_MAX_SECONDS = 30 * 24 * 3600
ADDRESSES = ("default_hook", "notice_hook")


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


class HooksNow(Hooks):
    old_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="So long the secret that was replaced signs, too; null: no more."
    )


class SecretOverlap(Strict):
    overlap_seconds = Whole(
        max_value=OVERLAP_MAX_SECONDS,
        required=False,
        help_text="How long both secrets sign; 0: the old one ends at once. By default a day, or "
        "what the site has set.",
    )


class Secret(Strict):
    secret = Once()
    old_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="So long the replaced one signs, too; null: no more."
    )


class FailingHook(Strict):
    id = serializers.IntegerField()
    url = serializers.CharField()
    failing_since = serializers.DateTimeField()
    quiet_until = serializers.DateTimeField(
        allow_null=True, help_text="It has asked to be left in peace until then."
    )
    off_since = serializers.DateTimeField(
        allow_null=True, help_text="It is not called any more; null: it is."
    )
    off_reason = serializers.CharField()


class Try(Strict):
    url = WebAddress(required=False, help_text="By default the tenant's default_hook.")


class TestResult(Strict):
    id = serializers.IntegerField()
    message_id = serializers.CharField(help_text="The header webhook-id.")
    url = serializers.CharField()
    status_code = serializers.IntegerField(allow_null=True, help_text="null: no answer came.")
    answer = serializers.CharField(help_text="The receiver's answer or the error, cut.")
    milliseconds = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


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
    thing = "hooks"

    @operation(Right.SEE, "Show the hooks", answer=HooksNow)
    def get(self, call: Call) -> dict[str, Any]:
        return _hooks(call.tenant)

    @operation(
        Right.HOOKS, "Change the hooks; an address that is named is on", body=Hooks, answer=HooksNow
    )
    def patch(self, call: Call) -> dict[str, Any]:
        if call.body:
            Tenant.objects.filter(pk=call.tenant.pk).update(**call.body)
            for name in ADDRESSES:
                hooks.switch_on(call.tenant.pk, call.body.get(name, ""))
            call.tenant.refresh_from_db()
        return _hooks(call.tenant)


class SecretShowing(View):
    """A change of its own, so that the audit has who has looked."""

    tag = "hooks"
    thing, deed = "hooks", "show webhook secret"

    @operation(
        Right.HOOKS, "Show the secret that signs callbacks and notices; recorded", answer=Secret
    )
    def post(self, call: Call) -> dict[str, Any]:
        return {"secret": call.tenant.webhook_secret, "old_secret_until": _old_until(call.tenant)}


class SecretRotation(View):
    tag = "hooks"
    thing, deed = "hooks", "rotate webhook secret"

    @operation(
        Right.HOOKS,
        "Replace the secret that signs callbacks and notices",
        body=SecretOverlap,
        answer=Secret,
    )
    def post(self, call: Call) -> dict[str, Any]:
        seconds = call.body.get("overlap_seconds", settings.WEBHOOK_OVERLAP_SECONDS)
        tenant = tenants.rotate_webhook_secret(call.tenant, overlap_seconds=seconds)
        return {
            "secret": tenant.webhook_secret,
            "old_secret_until": tenant.old_webhook_secret_expires_at,
        }


class FailingHooks(View):
    tag = "hooks"

    @operation(
        Right.SEE,
        "List the addresses that fail or are switched off",
        query=PageQuery,
        answer=page_of(FailingHook),
    )
    def get(self, call: Call) -> Page:
        return page(Hook.objects.filter(tenant=call.tenant), call.query)


class HookSwitchingOn(View):
    tag = "hooks"
    thing, deed = "hook", "switch hook on"

    @operation(Right.CALLBACKS, "Have an address called again that is switched off")
    def post(self, call: Call, hook_id: int) -> None:
        hook: Hook = found(Hook.objects.filter(tenant=call.tenant), hook_id, "hook")
        hooks.switch_on(call.tenant.pk, hook.url)


class HookTests(View):
    tag = "hooks"
    thing, deed = "hook test", "send sample message"
    calls_out = True

    @operation(Right.SEE, "List the sample messages", query=PageQuery, answer=page_of(TestResult))
    def get(self, call: Call) -> Page:
        rows: QuerySet[HookTest] = HookTest.objects.filter(tenant=call.tenant)
        return shown(page(rows, call.query), _test)

    @operation(
        Right.HOOKS,
        "Send a sample message, once",
        body=Try,
        answer=TestResult,
        refusals=(429,),
    )
    def post(self, call: Call) -> dict[str, Any]:
        url = call.body.get("url") or call.tenant.default_hook
        if not url:
            raise InvalidRequest("url: there is no default_hook, so this is required")
        return _test(hook_tests.send(call.tenant, url))


class Thresholds(View):
    tag = "hooks"
    thing = "thresholds"

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


def _hooks(tenant: Tenant) -> dict[str, Any]:
    names = ("default_hook", "notice_hook", "notice_mails")
    told = {name: getattr(tenant, name) for name in names}
    return told | {"old_secret_until": _old_until(tenant)}


def _old_until(tenant: Tenant) -> datetime | None:
    until = tenant.old_webhook_secret_expires_at
    is_over = not tenant.old_webhook_secret or until is None or until <= timezone.now()
    return None if is_over else until


def _test(row: HookTest) -> dict[str, Any]:
    return taken(TestResult, row)


def _thresholds(tenant: Tenant) -> dict[str, Any]:
    return {"data": LowBalance.objects.filter(tenant=tenant).order_by("-amount")}
