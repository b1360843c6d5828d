"""The rules and ratios of a price book: one by one, or as files."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import serializers

from billing import book_files, drafts, newapi_prices
from billing.drafts import Ratio, Rule
from billing.models import Group, GroupRatio, PriceRule
from billing.newapi_prices import Maps
from relay.api.v1 import books, fields
from relay.api.v1.books import BookLine
from relay.api.v1.channels import PATTERN_MAX_CHARS, Pattern
from relay.api.v1.fields import MODES, Flag, Money, Name, Strict, Text, number_of
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest, ObjectNotFound

FILE_MAX_CHARS = 5_000_000
GROUP_MAX_CHARS = 64
JSON = "application/json"


class RuleFields(Strict):
    name = Pattern(
        max_length=PATTERN_MAX_CHARS, help_text="A price name, a prefix with * behind it, or *."
    )
    mode = serializers.ChoiceField(choices=MODES, allow_blank=True, default="", help_text="Or any.")
    tenant_id = number_of(
        required=False, allow_null=True, default=None, help_text="For this tenant only."
    )
    group = Name(
        max_length=GROUP_MAX_CHARS,
        required=False,
        allow_null=True,
        default=None,
        help_text="For this group only.",
    )
    amount = Money()


class RuleLine(RuleFields):
    id = serializers.IntegerField()


class RuleQuery(PageQuery):
    q = Name(required=False, help_text="A part of the name.")
    tenant = number_of(required=False)
    group = Name(required=False, max_length=GROUP_MAX_CHARS)


class RatioFields(Strict):
    group = Name(max_length=GROUP_MAX_CHARS)
    home = Name(
        max_length=GROUP_MAX_CHARS,
        required=False,
        allow_null=True,
        default=None,
        help_text="Only for tenants of this group.",
    )
    ratio = fields.Ratio()


class RatioLine(RatioFields):
    id = serializers.IntegerField()


class NewApiMaps(Strict):
    """The JSON texts of new-api's settings of these names."""

    model_price = Text(max_length=FILE_MAX_CHARS, required=False, allow_null=True)
    group_ratio = Text(max_length=FILE_MAX_CHARS, required=False, allow_null=True)
    group_group_ratio = Text(max_length=FILE_MAX_CHARS, required=False, allow_null=True)


class NewApiImport(NewApiMaps):
    replace = Flag(
        default=False, help_text="Also drop the lines that these texts could say and do not."
    )


class NewApiExport(NewApiMaps):
    left_out = RuleLine(many=True, help_text="What new-api has no words for.")


class Content(Strict):
    text = Text(max_length=FILE_MAX_CHARS, help_text="The JSON of a whole book.")


class Rules(View):
    tag = "prices"
    site_only = True

    @operation(
        Right.SEE_PRICES, "List the rules of a book", query=RuleQuery, answer=page_of(RuleLine)
    )
    def get(self, call: Call, book_id: int) -> Page:
        filters = {"q": "name__icontains", "tenant": "tenant_id", "group": "group__name"}
        asked = {column: call.query[name] for name, column in filters.items() if name in call.query}
        rows = PriceRule.objects.filter(book=books.one(book_id)).select_related("group")
        return shown(page(rows.filter(**asked), call.query), _rule)

    @operation(
        Right.PRICES,
        "Add a rule to a draft, or change the amount of the one about the same",
        body=RuleFields,
        answer=RuleLine,
    )
    def post(self, call: Call, book_id: int) -> dict[str, Any]:
        fields = call.body
        group = fields.pop("group")
        rule = Rule(**fields, group_id=None if group is None else _group("group", group).pk)
        line = drafts.set_rule(books.one(book_id), rule)
        return _rule(PriceRule.objects.select_related("group").get(pk=line.pk))


class OneRule(View):
    tag = "prices"
    site_only = True

    @operation(Right.PRICES, "Remove a rule from a draft")
    def delete(self, call: Call, book_id: int, rule_id: int) -> None:
        if not drafts.remove_rule(books.one(book_id), rule_id):
            raise ObjectNotFound("rule")


class Ratios(View):
    tag = "prices"
    site_only = True

    @operation(
        Right.SEE_PRICES, "List the ratios of a book", query=PageQuery, answer=page_of(RatioLine)
    )
    def get(self, call: Call, book_id: int) -> Page:
        return shown(page(_ratios().filter(book=books.one(book_id)), call.query), _ratio)

    @operation(
        Right.PRICES,
        "Add a group's ratio to a draft, or change it",
        body=RatioFields,
        answer=RatioLine,
    )
    def post(self, call: Call, book_id: int) -> dict[str, Any]:
        home = call.body["home"]
        ratio = Ratio(
            group_id=_group("group", call.body["group"]).pk,
            home_id=None if home is None else _group("home", home).pk,
            ratio=call.body["ratio"],
        )
        return _ratio(_ratios().get(pk=drafts.set_ratio(books.one(book_id), ratio).pk))


class OneRatio(View):
    tag = "prices"
    site_only = True

    @operation(Right.PRICES, "Remove a ratio from a draft")
    def delete(self, call: Call, book_id: int, ratio_id: int) -> None:
        if not drafts.remove_ratio(books.one(book_id), ratio_id):
            raise ObjectNotFound("ratio")


class BookContent(View):
    tag = "prices"
    site_only = True

    @operation(Right.SEE_PRICES, "Export a whole book", media_types=(JSON,))
    def get(self, call: Call, book_id: int) -> HttpResponse:
        return HttpResponse(book_files.dump(books.one(book_id)), content_type=JSON)

    @operation(Right.PRICES, "Give a draft the lines of a file", body=Content, answer=BookLine)
    def put(self, call: Call, book_id: int) -> dict[str, Any]:
        book = books.one(book_id)
        book_files.load(book, call.body["text"])
        return books.show(book)


class NewApiPrices(View):
    tag = "prices"
    site_only = True

    @operation(Right.SEE_PRICES, "Export a book for new-api", answer=NewApiExport)
    def get(self, call: Call, book_id: int) -> dict[str, Any]:
        export = newapi_prices.export(books.one(book_id))
        left_out = [_rule(rule) for rule in export.left_out]
        return export.maps._asdict() | {"left_out": left_out}

    @operation(
        Right.PRICES, "Read new-api's prices into a draft", body=NewApiImport, answer=BookLine
    )
    def post(self, call: Call, book_id: int) -> dict[str, Any]:
        fields, book = call.body, books.one(book_id)
        read = newapi_prices.replace if fields.pop("replace") else newapi_prices.merge
        read(book, Maps(**fields))
        return books.show(book)


def _rule(rule: PriceRule) -> dict[str, Any]:
    return {
        "id": rule.pk,
        "name": rule.name,
        "mode": rule.mode,
        "tenant_id": rule.tenant_id,
        "group": None if rule.group is None else rule.group.name,
        "amount": rule.amount,
    }


def _ratios() -> QuerySet[GroupRatio]:
    return GroupRatio.objects.select_related("group", "home")


def _ratio(line: GroupRatio) -> dict[str, Any]:
    return {
        "id": line.pk,
        "group": line.group.name,
        "home": None if line.home is None else line.home.name,
        "ratio": line.ratio,
    }


def _group(field: str, name: str) -> Group:
    group = Group.objects.filter(name=name).first()
    if group is None:
        raise InvalidRequest(f"{field}: there is no such group")
    return group
