"""The rules and ratios of a price book: one by one, or as files."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import serializers

from billing import book_files, draft_edits, drafts, newapi_prices
from billing.drafts import Ratio, Rule
from billing.models import Group, GroupRatio, PriceBook, PriceRule
from billing.newapi_prices import Maps
from relay.api.v1 import books, fields
from relay.api.v1.books import BookLine, digest_seen
from relay.api.v1.channels import PATTERN_MAX_CHARS, Pattern
from relay.api.v1.fields import MODES, Flag, Money, Name, Strict, Text, number_of
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest, ObjectNotFound

FILE_MAX_CHARS = 5_000_000
GROUP_MAX_CHARS = 64
JSON = "application/json"


class RuleAbout(Strict):
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


class RuleFields(RuleAbout):
    amount = Money()


class RuleLine(RuleFields):
    id = serializers.IntegerField()


class RuleQuery(PageQuery):
    q = Name(required=False, help_text="A part of the name.")
    tenant = number_of(required=False)
    group = Name(required=False, max_length=GROUP_MAX_CHARS)


class RatioAbout(Strict):
    group = Name(max_length=GROUP_MAX_CHARS)
    home = Name(
        max_length=GROUP_MAX_CHARS,
        required=False,
        allow_null=True,
        default=None,
        help_text="Only for tenants of this group.",
    )


class RatioFields(RatioAbout):
    ratio = fields.Ratio()


class RatioLine(RatioFields):
    id = serializers.IntegerField()


class NewApiMaps(Strict):
    """The JSON texts of new-api's settings of these names."""

    model_price = Text(max_length=FILE_MAX_CHARS, required=False, allow_null=True)
    group_ratio = Text(max_length=FILE_MAX_CHARS, required=False, allow_null=True)
    group_group_ratio = Text(max_length=FILE_MAX_CHARS, required=False, allow_null=True)


class NewApiImport(NewApiMaps):
    digest = digest_seen()
    replace = Flag(
        default=False, help_text="Also drop the lines that these texts could say and do not."
    )


class NewApiExport(NewApiMaps):
    left_out = RuleLine(many=True, help_text="What new-api has no words for.")


class Content(Strict):
    digest = digest_seen()
    text = Text(max_length=FILE_MAX_CHARS, help_text="The JSON of a whole book.")


class Lines(Strict):
    """All lines of a book by what they are about: what the audit compares."""

    rules = serializers.DictField(child=Money())
    ratios = serializers.DictField(child=fields.Ratio())


class Rules(View):
    tag = "prices"
    thing = "price rule"
    site_only = True

    @operation(
        Right.SEE_PRICES, "List the rules of a book", query=RuleQuery, answer=page_of(RuleLine)
    )
    def get(self, call: Call, book_id: int) -> Page:
        filters = {"q": "name__icontains", "tenant": "tenant_id", "group": "group__name"}
        asked = {column: call.query[name] for name, column in filters.items() if name in call.query}
        rows = PriceRule.objects.filter(book=books.one(book_id)).select_related("group")
        return shown(page(rows.filter(**asked), call.query), rule_line)

    @operation(
        Right.PRICES,
        "Add a rule to a draft, or change the amount of the one about the same",
        body=RuleFields,
        answer=RuleLine,
    )
    def post(self, call: Call, book_id: int) -> dict[str, Any]:
        fields = call.body
        group = fields.pop("group")
        rule = Rule(**fields, group_id=None if group is None else group_named("group", group).pk)
        line = drafts.set_rule(books.one(book_id), rule)
        return rule_line(PriceRule.objects.select_related("group").get(pk=line.pk))


class OneRule(View):
    tag = "prices"
    thing = "price rule"
    site_only = True

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        rows = PriceRule.objects.filter(book_id=ids["book_id"]).select_related("group")
        return RuleLine, rule_line(found(rows, ids["rule_id"], "rule"))

    @operation(Right.PRICES, "Remove a rule from a draft")
    def delete(self, call: Call, book_id: int, rule_id: int) -> None:
        if not drafts.remove_rule(books.one(book_id), rule_id):
            raise ObjectNotFound("rule")


class Ratios(View):
    tag = "prices"
    thing = "group ratio"
    site_only = True

    @operation(
        Right.SEE_PRICES, "List the ratios of a book", query=PageQuery, answer=page_of(RatioLine)
    )
    def get(self, call: Call, book_id: int) -> Page:
        return shown(page(all_ratios().filter(book=books.one(book_id)), call.query), ratio_line)

    @operation(
        Right.PRICES,
        "Add a group's ratio to a draft, or change it",
        body=RatioFields,
        answer=RatioLine,
    )
    def post(self, call: Call, book_id: int) -> dict[str, Any]:
        home = call.body["home"]
        ratio = Ratio(
            group_id=group_named("group", call.body["group"]).pk,
            home_id=None if home is None else group_named("home", home).pk,
            ratio=call.body["ratio"],
        )
        return ratio_line(all_ratios().get(pk=drafts.set_ratio(books.one(book_id), ratio).pk))


class OneRatio(View):
    tag = "prices"
    thing = "group ratio"
    site_only = True

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        rows = all_ratios().filter(book_id=ids["book_id"])
        return RatioLine, ratio_line(found(rows, ids["ratio_id"], "ratio"))

    @operation(Right.PRICES, "Remove a ratio from a draft")
    def delete(self, call: Call, book_id: int, ratio_id: int) -> None:
        if not drafts.remove_ratio(books.one(book_id), ratio_id):
            raise ObjectNotFound("ratio")


class BookContent(View):
    tag = "prices"
    thing, deed = "price book", "load price book"
    site_only = True

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        return Lines, _lines(ids["book_id"])

    @operation(Right.SEE_PRICES, "Export a whole book", media_types=(JSON,))
    def get(self, call: Call, book_id: int) -> HttpResponse:
        return HttpResponse(book_files.dump(books.one(book_id)), content_type=JSON)

    @operation(Right.PRICES, "Give a draft the lines of a file", body=Content, answer=BookLine)
    def put(self, call: Call, book_id: int) -> dict[str, Any]:
        book = _seen(call, book_id)
        book_files.load(book, call.body["text"])
        return books.show(book)


class NewApiPrices(View):
    tag = "prices"
    thing, deed = "price book", "import prices"
    site_only = True

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        return Lines, _lines(ids["book_id"])

    @operation(Right.SEE_PRICES, "Export a book for new-api", answer=NewApiExport)
    def get(self, call: Call, book_id: int) -> dict[str, Any]:
        export = newapi_prices.export(books.one(book_id))
        left_out = [rule_line(rule) for rule in export.left_out]
        return export.maps._asdict() | {"left_out": left_out}

    @operation(
        Right.PRICES, "Read new-api's prices into a draft", body=NewApiImport, answer=BookLine
    )
    def post(self, call: Call, book_id: int) -> dict[str, Any]:
        fields, book = call.body, _seen(call, book_id)
        read = newapi_prices.replace if fields.pop("replace") else newapi_prices.merge
        read(book, Maps(**fields))
        return books.show(book)


def _seen(call: Call, book_id: int) -> PriceBook:
    """The book, as it was when the asker saw it if he says so. Raises BookRefused."""
    book = books.one(book_id)
    if "digest" in call.body:
        draft_edits.demand_unchanged(book, call.body.pop("digest"))
    return book


def rule_line(rule: PriceRule) -> dict[str, Any]:
    return {
        "id": rule.pk,
        "name": rule.name,
        "mode": rule.mode,
        "tenant_id": rule.tenant_id,
        "group": None if rule.group is None else rule.group.name,
        "amount": rule.amount,
    }


def _lines(book_id: int) -> dict[str, Any]:
    rules = PriceRule.objects.filter(book=books.one(book_id)).select_related("group")
    ratios = all_ratios().filter(book_id=book_id)
    return {
        "rules": {about(rule): rule.amount for rule in rules},
        "ratios": {ratio_about(line): line.ratio for line in ratios},
    }


def about(rule: PriceRule) -> str:
    """Such as "mj_imagine relax group vip"."""
    parts = [rule.name, rule.mode]
    parts += [] if rule.group is None else ["group", rule.group.name]
    parts += [] if rule.tenant_id is None else ["tenant", str(rule.tenant_id)]
    return " ".join(part for part in parts if part)


def ratio_about(line: GroupRatio) -> str:
    return f"{line.group} {line.home or ''}".strip()


def all_ratios() -> QuerySet[GroupRatio]:
    return GroupRatio.objects.select_related("group", "home")


def ratio_line(line: GroupRatio) -> dict[str, Any]:
    return {
        "id": line.pk,
        "group": line.group.name,
        "home": None if line.home is None else line.home.name,
        "ratio": line.ratio,
    }


def group_named(field: str, name: str) -> Group:
    group = Group.objects.filter(name=name).first()
    if group is None:
        raise InvalidRequest(f"{field}: there is no such group")
    return group
