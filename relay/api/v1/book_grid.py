"""A price book as a whole: all its lines, many of them changed at once, and what they come to."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q
from rest_framework import serializers

from billing import draft_edits, price_reasons, pricing
from billing.draft_edits import RatioEdit, RuleEdit
from billing.models import Group, PriceBook, PriceRule, Tenant, Token
from billing.pricing import Buyer
from relay import actions
from relay.api.v1 import book_lines, books, fields
from relay.api.v1.book_lines import GROUP_MAX_CHARS, Lines, RatioLine, RuleLine
from relay.api.v1.books import BookLine
from relay.api.v1.fields import (
    ACTIONS,
    MODES,
    Items,
    Money,
    Name,
    Query,
    Strict,
    number_of,
)
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import list_of
from relay.api.v1.prices import PriceLine, price_line
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

EDITS_MAX = 2000
# No tenant and no group has this number: what everybody pays.
NOBODY = 0


class GridQuery(Query):
    tenant = number_of(required=False, help_text="With the rules of this tenant, too.")


class TenantInBook(Strict):
    tenant_id = serializers.IntegerField()
    tenant = serializers.CharField()
    rules = serializers.IntegerField(help_text="How many are for this tenant only.")


class Grid(Strict):
    digest = serializers.CharField(help_text="Changes with every line.")
    names = serializers.ListField(
        child=serializers.CharField(), help_text="Of everything that has a price."
    )
    tenants = TenantInBook(many=True, help_text="Those with rules of their own.")
    rules = RuleLine(many=True, help_text="Everybody's, the groups', and the tenant's.")
    ratios = RatioLine(many=True)


class RuleEditing(book_lines.RuleAbout):
    before = Money(allow_null=True, help_text="What you saw; null: no such rule.")
    after = Money(allow_null=True, help_text="null: it goes.")


class RatioEditing(book_lines.RatioAbout):
    before = fields.Ratio(allow_null=True, help_text="What you saw; null: no such ratio.")
    after = fields.Ratio(allow_null=True, help_text="null: it goes.")


class GridChange(Strict):
    rules = Items(child=RuleEditing(), most=EDITS_MAX, required=False, default=list)
    ratios = Items(child=RatioEditing(), most=EDITS_MAX, required=False, default=list)


class WhoseQuery(Query):
    tenant = number_of(required=False)
    group = Name(required=False, max_length=GROUP_MAX_CHARS)


class ReasonQuery(Query):
    tenant = number_of()
    key = number_of(required=False, help_text="As this key pays, if it has a group of its own.")
    action = serializers.ChoiceField(choices=ACTIONS)
    mode = serializers.ChoiceField(choices=MODES)


class ReasonLine(RuleLine):
    tenant = serializers.CharField()


class PriceWithReason(Strict):
    tenant_id = serializers.IntegerField()
    tenant = serializers.CharField()
    home = serializers.CharField(help_text="The tenant's group.")
    group = serializers.CharField(help_text="The one that the key uses.")
    action = serializers.CharField()
    mode = serializers.CharField()
    names = serializers.ListField(
        child=serializers.CharField(), help_text="The price name, and what it is called too."
    )
    amount = Money(allow_null=True, help_text="null: it is not sold.")
    rules = ReasonLine(
        many=True, help_text="All that fit, the best first; the first decides the price."
    )
    ratio = fields.Ratio(
        allow_null=True, help_text="What the rule's amount is multiplied by; null: by nothing."
    )
    ratio_line = RatioLine(allow_null=True, help_text="Where it stands; null: it is 1 by itself.")


class BookGrid(View):
    tag = "prices"
    thing, deed = "price book", "edit price book"
    site_only = True

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        return Lines, _touched(books.one(ids["book_id"]), call.body)

    @operation(Right.SEE_PRICES, "Show a book with its lines", query=GridQuery, answer=Grid)
    def get(self, call: Call, book_id: int) -> dict[str, Any]:
        book = books.one(book_id)
        whose = Q(tenant=None) | Q(tenant=call.query.get("tenant"))
        rules = book.rules.filter(whose).select_related("group").order_by("name", "mode", "id")
        ratios = book_lines.all_ratios().filter(book=book).order_by("group__name", "home__name")
        return {
            "digest": draft_edits.digest(book),
            "names": actions.all_price_names(),
            "tenants": _tenants(book),
            "rules": [book_lines.rule_line(rule) for rule in rules],
            "ratios": [book_lines.ratio_line(line) for line in ratios],
        }

    @operation(
        Right.PRICES,
        "Change many lines of a draft at once",
        body=GridChange,
        answer=BookLine,
    )
    def patch(self, call: Call, book_id: int) -> dict[str, Any]:
        book = books.one(book_id)
        groups = _groups(call.body)
        draft_edits.change(
            book,
            rules=[
                RuleEdit(
                    (row["name"], row["mode"], row["tenant_id"], groups[row["group"]]),
                    row["before"],
                    row["after"],
                )
                for row in call.body["rules"]
            ],
            ratios=[
                RatioEdit((groups[row["group"]] or 0, groups[row["home"]]), *_seen_and_wanted(row))
                for row in call.body["ratios"]
            ],
        )
        return books.show(book)


class BookPrices(View):
    tag = "prices"
    site_only = True

    @operation(
        Right.SEE_PRICES,
        "List what everybody, a group or a tenant pays under a book",
        query=WhoseQuery,
        answer=list_of(PriceLine),
    )
    def get(self, call: Call, book_id: int) -> dict[str, Any]:
        prices = pricing.read(books.one(book_id))
        buyer = _buyer(call.query)
        return {"data": [price_line(action, prices, buyer) for action in actions.ALL]}


class PriceReason(View):
    tag = "prices"
    site_only = True

    @operation(
        Right.SEE_PRICES,
        "Show what a tenant pays under a book, and which rule decides it",
        query=ReasonQuery,
        answer=PriceWithReason,
    )
    def get(self, call: Call, book_id: int) -> dict[str, Any]:
        asked, book = call.query, books.one(book_id)
        tenants = Tenant.objects.select_related("group")
        tenant: Tenant = found(tenants, asked["tenant"], "tenant")
        group = _group_of(tenant, asked.get("key"))
        (action,) = [one for one in actions.ALL if one.name == asked["action"]]
        buyer = Buyer(tenant_id=tenant.pk, group_id=group.pk, home_id=tenant.group_id)
        names = action.price_names
        reason = price_reasons.explain(book, names=names, mode=asked["mode"], buyer=buyer)
        line = reason.ratio_line
        return {
            "tenant_id": tenant.pk,
            "tenant": tenant.name,
            "home": tenant.group.name,
            "group": group.name,
            "action": action.name,
            "mode": asked["mode"],
            "names": list(names),
            "amount": reason.amount,
            "rules": [_reason_line(rule) for rule in reason.rules],
            "ratio": reason.ratio,
            "ratio_line": None if line is None else book_lines.ratio_line(line),
        }


def _tenants(book: PriceBook) -> list[dict[str, Any]]:
    rows = book.rules.exclude(tenant=None).values("tenant_id", "tenant__name")
    counted = rows.annotate(rules=Count("id")).order_by("tenant__name")
    return [
        {"tenant_id": row["tenant_id"], "tenant": row["tenant__name"], "rules": row["rules"]}
        for row in counted
    ]


def _groups(body: dict[str, Any]) -> dict[str | None, int | None]:
    """Their numbers by name, and None for none. Raises InvalidRequest."""
    asked = [
        (f"{kind}.{place}.{field}", row[field])
        for kind, names in (("rules", ("group",)), ("ratios", ("group", "home")))
        for place, row in enumerate(body[kind])
        for field in names
        if row[field] is not None
    ]
    known = Group.objects.filter(name__in={name for _, name in asked})
    numbers = dict(known.values_list("name", "pk"))
    for place, name in asked:
        if name not in numbers:
            raise InvalidRequest(f"{place}: there is no such group")
    return {None: None} | numbers


def _seen_and_wanted(row: dict[str, Any]) -> tuple[Any, Any]:
    return row["before"], row["after"]


def _touched(book: PriceBook, body: dict[str, Any]) -> dict[str, Any]:
    """The lines that a change is about, as they are."""
    wanted = {(row["name"], row["mode"], row["tenant_id"], row["group"]) for row in body["rules"]}
    ratios = {(row["group"], row["home"]) for row in body["ratios"]}
    rules: Iterable[PriceRule] = book.rules.select_related("group").filter(
        name__in={name for name, *_ in wanted}
    )
    return {
        "rules": {
            book_lines.about(rule): rule.amount
            for rule in rules
            if (rule.name, rule.mode, rule.tenant_id, rule.group and rule.group.name) in wanted
        },
        "ratios": {
            book_lines.ratio_about(line): line.ratio
            for line in book_lines.all_ratios().filter(book=book)
            if (line.group.name, line.home and line.home.name) in ratios
        },
    }


def _buyer(query: dict[str, Any]) -> Buyer:
    if "tenant" in query:
        tenant: Tenant = found(Tenant.objects.all(), query["tenant"], "tenant")
        return Buyer(tenant_id=tenant.pk, group_id=tenant.group_id, home_id=tenant.group_id)
    if "group" in query:
        group = book_lines.group_named("group", query["group"])
        return Buyer(tenant_id=NOBODY, group_id=group.pk, home_id=group.pk)
    return Buyer(tenant_id=NOBODY, group_id=NOBODY, home_id=NOBODY)


def _group_of(tenant: Tenant, key_id: int | None) -> Group:
    if key_id is None:
        return tenant.group
    keys = Token.objects.filter(tenant=tenant).select_related("group")
    key: Token = found(keys, key_id, "key")
    return key.group or tenant.group


def _reason_line(rule: PriceRule) -> dict[str, Any]:
    name = "" if rule.tenant is None else rule.tenant.name
    return book_lines.rule_line(rule) | {"tenant": name}
