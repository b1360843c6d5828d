"""Price books: made, shown, published, withdrawn, rolled back."""

from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework import serializers

from billing import book_diff, books, draft_edits, preview
from billing.models import PriceBook
from relay import actions
from relay.api.v1.fields import Money, Query, Ratio, Strict, Text, Whole, memo, number_of, taken
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

STATES = ("draft", "upcoming", "past", "in_force")
DAYS_MAX = 366
DIGEST_CHARS = 64
# Of one preview; totals count all.
PREVIEW_LINES, PREVIEW_LINES_MAX = 100, 1000


class NewBook(Strict):
    origin = number_of(
        required=False,
        allow_null=True,
        default=None,
        help_text="The book whose lines are copied; null: an empty draft.",
    )
    memo = memo(default="")


class BookFields(Strict):
    memo = memo()


class Starting(Strict):
    effective_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="In force from then on; null: now."
    )


def digest_seen() -> Text:
    """Keeps one from publishing or replacing what somebody else has just changed."""
    return Text(
        max_length=DIGEST_CHARS,
        required=False,
        help_text="The `digest` that you saw; refused when the lines are others by now.",
    )


class Publication(Starting):
    digest = digest_seen()
    reason = memo(help_text="Why, for the record.")


class Return(Starting):
    memo = memo(help_text="Why; without it: back to which book.")


class BookLine(Strict):
    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=STATES)
    memo = serializers.CharField()
    origin = serializers.IntegerField(allow_null=True, help_text="The book that it is a copy of.")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    published_by = serializers.CharField()
    published_at = serializers.DateTimeField(allow_null=True)
    effective_at = serializers.DateTimeField(allow_null=True)


class BookQuery(PageQuery):
    is_published = serializers.ChoiceField(choices=("true", "false"), required=False)
    state = serializers.ChoiceField(choices=STATES, required=False)


class DiffQuery(Query):
    to = number_of(required=False, help_text="The older book; without it the one in force.")


class RuleChange(Strict):
    name = serializers.CharField()
    mode = serializers.CharField()
    tenant = serializers.CharField()
    group = serializers.CharField()
    before = Money(allow_null=True, help_text="null: it is new.")
    after = Money(allow_null=True, help_text="null: it is gone.")


class RatioChange(Strict):
    group = serializers.CharField()
    home = serializers.CharField()
    before = Ratio(allow_null=True)
    after = Ratio(allow_null=True)


class Diff(Strict):
    digest = serializers.CharField(help_text="Of this book's lines.")
    rules = RuleChange(many=True)
    ratios = RatioChange(many=True)


class PreviewQuery(Query):
    first = serializers.DateField(required=False, help_text="Both or none: the last 30 days.")
    last = serializers.DateField(required=False)
    most = Whole(
        min_value=0,
        max_value=PREVIEW_LINES_MAX,
        default=PREVIEW_LINES,
        help_text="So many tenants, and so many lines: those that change most.",
    )


class Figures(Strict):
    number = serializers.IntegerField(help_text="How many drawings were paid.")
    refused = serializers.IntegerField(help_text="How many of them have no price in this book.")
    earned = Money(help_text="What they did earn.")
    would_earn = Money(help_text="What they would have earned under this book.")


class PreviewLine(Figures):
    tenant_id = serializers.IntegerField()
    tenant = serializers.CharField()
    price_name = serializers.CharField()
    mode = serializers.CharField()


class PreviewAction(Figures):
    price_name = serializers.CharField()
    mode = serializers.CharField()


class PreviewTenant(Figures):
    tenant = serializers.CharField()


class Preview(Strict):
    first = serializers.DateField()
    last = serializers.DateField()
    total = Figures()
    by_action = PreviewAction(many=True)
    by_tenant = PreviewTenant(many=True, help_text="`most` of them.")
    lines = PreviewLine(many=True, help_text="`most` of them, of one tenant, action and mode each.")


class Books(View):
    tag = "prices"
    thing = "price book"
    site_only = True

    @operation(Right.SEE_PRICES, "List the price books", query=BookQuery, answer=page_of(BookLine))
    def get(self, call: Call) -> Page:
        rows = PriceBook.objects.all()
        if "is_published" in call.query:
            drafts_only = call.query["is_published"] == "false"
            rows = rows.filter(published_at__isnull=drafts_only)
        in_force = PriceBook.objects.in_force()
        if "state" in call.query:
            rows = rows & _in_state(call.query["state"], in_force)
        return shown(page(rows, call.query), lambda book: _show(book, in_force))

    @operation(Right.PRICES, "Begin a draft", body=NewBook, answer=BookLine, status=201)
    def post(self, call: Call) -> dict[str, Any]:
        origin = call.body["origin"]
        if origin is not None:
            origin = PriceBook.objects.filter(pk=origin).first()
            if origin is None:
                raise InvalidRequest("origin: there is no such price book")
        return show(books.draft(origin=origin, actor=call.actor, memo=call.body["memo"]))


class OneBook(View):
    tag = "prices"
    thing = "price book"
    site_only = True

    @operation(Right.SEE_PRICES, "Show a price book", answer=BookLine)
    def get(self, call: Call, book_id: int) -> dict[str, Any]:
        return show(one(book_id))

    @operation(Right.PRICES, "Change a draft's memo", body=BookFields, answer=BookLine)
    def patch(self, call: Call, book_id: int) -> dict[str, Any]:
        book = one(book_id)
        books.describe(book, call.body.get("memo", book.memo))
        return show(book)

    @operation(Right.PRICES, "Delete a draft")
    def delete(self, call: Call, book_id: int) -> None:
        books.discard(one(book_id))


class Publishing(View):
    tag = "prices"
    thing, deed = "price book", "publish price book"
    shown_by = OneBook
    site_only = True

    @operation(Right.PRICES, "Publish a draft, from a moment on", body=Publication, answer=BookLine)
    def post(self, call: Call, book_id: int) -> dict[str, Any]:
        book = one(book_id)
        if "digest" in call.body:
            draft_edits.demand_unchanged(book, call.body["digest"])
        effective_at = call.body["effective_at"]
        return show(books.release(book, actor=call.actor, effective_at=effective_at))


class Withdrawal(View):
    tag = "prices"
    thing, deed = "price book", "withdraw price book"
    shown_by = OneBook
    site_only = True

    @operation(
        Right.PRICES, "Make a draft again of a book whose time has not come", answer=BookLine
    )
    def post(self, call: Call, book_id: int) -> dict[str, Any]:
        return show(books.withdraw(one(book_id)))


class RollBack(View):
    tag = "prices"
    thing, deed = "price book", "roll back price book"
    site_only = True

    @operation(
        Right.PRICES,
        "Publish a copy of an older book",
        body=Return,
        answer=BookLine,
        status=201,
    )
    def post(self, call: Call, book_id: int) -> dict[str, Any]:
        return show(books.roll_back(one(book_id), actor=call.actor, **call.body))


class BookDiff(View):
    tag = "prices"
    site_only = True

    @operation(Right.SEE_PRICES, "Show what a book changes", query=DiffQuery, answer=Diff)
    def get(self, call: Call, book_id: int) -> dict[str, Any]:
        new = one(book_id)
        old = one(call.query["to"]) if "to" in call.query else PriceBook.objects.in_force()
        diff = book_diff.between(old, new)
        return {
            "digest": draft_edits.digest(new),
            "rules": [row._asdict() for row in diff.rules],
            "ratios": [row._asdict() for row in diff.ratios],
        }


class BookPreview(View):
    tag = "prices"
    site_only = True

    @operation(
        Right.SEE_PRICES,
        "Show what real traffic would have earned under a book",
        query=PreviewQuery,
        answer=Preview,
    )
    def get(self, call: Call, book_id: int) -> dict[str, Any]:
        try:
            found = preview.of(
                one(book_id),
                days=_days(call.query),
                names_of=actions.names_of,
                most=call.query["most"],
            )
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        return found.days._asdict() | {
            "total": found.total._asdict(),
            "by_action": [
                {"price_name": name, "mode": mode} | figures._asdict()
                for (name, mode), figures in found.by_action.items()
            ],
            "by_tenant": [
                {"tenant": name} | figures._asdict() for name, figures in found.by_tenant.items()
            ],
            "lines": [row._asdict() | row.figures._asdict() for row in found.lines],
        }


def one(book_id: int) -> PriceBook:
    """Raises ObjectNotFound."""
    book: PriceBook = found(PriceBook.objects.all(), book_id, "price book")
    return book


def show(book: PriceBook) -> dict[str, Any]:
    return _show(book, PriceBook.objects.in_force())


def _show(book: PriceBook, in_force: PriceBook | None) -> dict[str, Any]:
    row = taken(BookLine, book, without=("state", "origin"))
    return row | {"state": _state(book, in_force), "origin": book.origin_id}


def _state(book: PriceBook, in_force: PriceBook | None) -> str:
    if book.effective_at is None:
        return "draft"
    if book == in_force:
        return "in_force"
    return "upcoming" if book.effective_at > timezone.now() else "past"


def _in_state(state: str, in_force: PriceBook | None) -> QuerySet[PriceBook]:
    current = PriceBook.objects.filter(pk__in=[in_force.pk] if in_force else [])
    if state == "in_force":
        return current
    if state == "draft":
        return PriceBook.objects.filter(published_at=None)
    if state == "upcoming":
        return PriceBook.objects.upcoming()
    past = PriceBook.objects.published().filter(effective_at__lte=Now())
    return past.exclude(pk__in=current)


def _days(asked: dict[str, Any]) -> preview.Days:
    ends = {name: asked[name] for name in ("first", "last") if name in asked}
    if not ends:
        return preview.last_30_days()
    if len(ends) == 1:
        raise InvalidRequest("first and last: send both or none")
    days = preview.Days(**ends)
    if (days.last - days.first).days >= DAYS_MAX:
        raise InvalidRequest(f"first and last: at most {DAYS_MAX} days")
    return days
