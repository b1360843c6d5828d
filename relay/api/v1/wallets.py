"""What the site's people do to a tenant's balance. Whatever is sent twice is booked once."""

from typing import Any

from django.db import IntegrityError, transaction
from rest_framework import serializers

from billing import ledger, references
from billing.models import Entry
from relay.api.v1 import entries, tasks
from relay.api.v1.entries import EntryLine, Funds, WalletView
from relay.api.v1.fields import Money, Strict, memo, reference
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.roles import Right
from relay.errors import Conflict, InvalidRequest
from relay.models import Task
from relay.operators import refunds


class TopUpBody(Strict):
    amount = Money(least=1)
    reference = reference(help_text="Your number of the payment. Sent again, it is booked once.")
    memo = memo(default="")


class Adjustment(Strict):
    amount = Money(least=None, help_text="Up or, with a minus, down.")
    reference = reference(help_text="Your number of the matter. Sent again, it is booked once.")
    memo = memo(required=True, allow_blank=False, help_text="Why; the tenant can read it.")


class CreditLimit(Strict):
    credit_limit = Money(help_text="How far below zero the balance may go.")
    memo = memo(default="", help_text="Why, for the record.")


class Refund(Strict):
    amount = Money(
        least=1, required=False, allow_null=True, default=None, help_text="null: all that is left."
    )
    memo = memo(default="", help_text="Why; the tenant can read it.")
    refunded_before = Money(
        required=False,
        allow_null=True,
        default=None,
        help_text="What you saw refunded of it; if it is not so any more, nothing happens, so a "
        "request that is sent again counts once.",
    )


class Booked(Strict):
    entry = EntryLine()
    wallet = Funds()
    is_new = serializers.BooleanField(help_text="false: it had been booked before.")


class Refunded(Strict):
    refunded = Money()
    wallet = Funds()


class TopUps(View):
    tag = "wallets"
    thing, deed = "wallet", "top up wallet"
    shown_by, tells = WalletView, ("entry",)

    @operation(Right.MONEY, "Add bought money", body=TopUpBody, answer=Booked)
    def post(self, call: Call) -> dict[str, Any]:
        return _book(call, ledger.topup, Entry.Kind.TOPUP)


class Adjustments(View):
    tag = "wallets"
    thing, deed = "wallet", "adjust wallet"
    shown_by, tells = WalletView, ("entry",)

    @operation(Right.MONEY, "Correct the balance", body=Adjustment, answer=Booked)
    def post(self, call: Call) -> dict[str, Any]:
        return _book(call, ledger.adjust, Entry.Kind.ADJUST)


class Credit(View):
    tag = "wallets"
    thing, deed = "wallet", "set credit limit"
    shown_by = WalletView

    @operation(Right.MONEY, "Set the credit limit", body=CreditLimit, answer=Funds)
    def put(self, call: Call) -> dict[str, Any]:
        limit = call.body["credit_limit"]
        ledger.set_credit_limit(tenant_id=call.tenant.pk, actor=call.actor, credit_limit=limit)
        return entries.funds(call.tenant.pk)


class Refunds(View):
    tag = "wallets"
    thing, deed, tells = "task", "refund task", ("refunded",)

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        return Funds, entries.funds(call.tenant.pk)

    @operation(Right.MONEY, "Refund a task, wholly or in part", body=Refund, answer=Refunded)
    def post(self, call: Call, task_id: int) -> dict[str, Any]:
        task: Task = found(tasks.of(call), task_id, "task")
        amount = refunds.refund(task, actor=call.actor, **call.body)
        return {"refunded": amount, "wallet": entries.funds(call.tenant.pk)}


def _book(call: Call, book: Any, kind: str) -> dict[str, Any]:
    is_new = True
    try:
        references.check(call.body["reference"])
        # The operation goes on when it was booked before.
        with transaction.atomic():
            book(tenant_id=call.tenant.pk, actor=call.actor, **call.body)
    except IntegrityError as error:
        if "entry_happens_once" not in str(error):
            raise
        is_new = False
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    entry = Entry.objects.select_related("wallet").get(reference=call.body["reference"], kind=kind)
    told = (entry.wallet.tenant_id, entry.wallet.is_test, entry.amount)
    if told != (call.tenant.pk, False, call.body["amount"]):
        raise Conflict("this reference has been booked before, for something else")
    return {
        "entry": entries.show(entry, call),
        "wallet": entries.funds(call.tenant.pk),
        "is_new": is_new,
    }
