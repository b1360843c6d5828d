"""The lines of the ledger, and the wallet that they add up to."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from billing import statements
from billing.models import Entry, Wallet
from common import site
from relay.api.v1.fields import Flag, Money, Name, Strict, number_of, taken
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right

SITES_OWN = ("actor", "channel_id", "cost")


class EntryLine(Strict):
    """One line; the sum of all is the balance."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Entry.Kind.values)
    reference = serializers.CharField(help_text="Of a drawing: the task's id.")
    amount = Money(help_text="Change of the balance.")
    held = Money(help_text="Change of the held money.")
    balance_after = Money()
    held_after = Money()
    key_id = serializers.IntegerField(allow_null=True)
    price_name = serializers.CharField()
    mode = serializers.CharField()
    memo = serializers.CharField()
    created_at = serializers.DateTimeField()
    actor = serializers.CharField(required=False, help_text="For the site only.")
    channel_id = serializers.IntegerField(
        required=False, allow_null=True, help_text="For the site only."
    )
    cost = Money(required=False, allow_null=True, help_text="For the site only.")


class EntryQuery(PageQuery):
    kind = serializers.ChoiceField(choices=Entry.Kind.values, required=False)
    key = number_of(required=False)
    reference = Name(required=False, help_text="Exactly this one.")
    since = serializers.DateTimeField(required=False, help_text="From then on.")
    until = serializers.DateTimeField(required=False, help_text="Before then.")
    test = Flag(default=False, help_text="Of the test wallet instead of the real one.")


class WalletMoney(Strict):
    balance = Money()
    held = Money(help_text="For tasks under way.")
    credit_limit = Money(help_text="How far below zero the balance may go.")
    available = Money(help_text="What can be spent: balance less held, and credit.")
    open_tasks = serializers.IntegerField()


class Funds(WalletMoney):
    currency = serializers.CharField()
    test = WalletMoney(allow_null=True, help_text="Play money of test keys; null without any.")


class Entries(View):
    tag = "money"

    @operation(Right.SEE, "List the entries", query=EntryQuery, answer=page_of(EntryLine))
    def get(self, call: Call) -> Page:
        asked = call.query
        # Its number first: joined with wallets, the lines would be sorted anew for each page.
        wallet = Wallet.objects.filter(tenant=call.tenant, is_test=asked["test"]).first()
        rows = _of_time(0 if wallet is None else wallet.pk, asked)
        return shown(page(_filtered(rows, asked), asked), lambda row: show(row, call))


class WalletView(View):
    tag = "money"

    @operation(Right.SEE, "Show the wallet", answer=Funds)
    def get(self, call: Call) -> dict[str, Any]:
        return funds(call.tenant.pk)


def funds(tenant_id: int) -> dict[str, Any]:
    by_kind = {row.is_test: _money(row) for row in Wallet.objects.filter(tenant_id=tenant_id)}
    return by_kind[False] | {"currency": site.value("currency"), "test": by_kind.get(True)}


def show(entry: Entry, call: Call) -> dict[str, Any]:
    line = taken(EntryLine, entry, without=("key_id", "channel_id"))
    line |= {"key_id": entry.token_id, "channel_id": entry.channel}
    if not call.is_site:
        for name in SITES_OWN:
            del line[name]
    return line


def _of_time(wallet_id: int, asked: dict[str, Any]) -> QuerySet[Entry]:
    """By ids, too, which have the index: the list would be read from its newest line on."""
    since, until = asked.get("since"), asked.get("until")
    after, up_to = statements.places(wallet_id, since, until)
    bounds = {
        "created_at__gte": since,
        "created_at__lt": until,
        "pk__gt": after,
        "pk__lte": up_to,
    }
    told = {name: value for name, value in bounds.items() if value is not None}
    return Entry.objects.filter(wallet_id=wallet_id, **told)


def _filtered(rows: QuerySet[Entry], asked: dict[str, Any]) -> QuerySet[Entry]:
    filters = {"kind": "kind", "key": "token_id"}
    rows = rows.filter(**{column: asked[name] for name, column in filters.items() if name in asked})
    return rows.filter(of_references([asked["reference"]])) if "reference" in asked else rows


def of_references(references: Sequence[str]) -> Q:
    """In the two halves that have an index each (`entry_happens_once`, `entry_refund`)."""
    these = Q(reference__in=references)
    return (these & ~Q(kind=Entry.Kind.REFUND)) | (these & Q(kind=Entry.Kind.REFUND))


def _money(wallet: Wallet) -> dict[str, Any]:
    without = ("open_tasks",)
    return taken(WalletMoney, wallet, without=without) | {"open_tasks": wallet.open_holds}
