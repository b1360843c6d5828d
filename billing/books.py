"""The life of a price book: a draft, published from a moment on, in force, replaced.

Its lines are edited in billing/drafts.py, read from files in billing/newapi_prices.py and
billing/book_files.py, and asked for prices in billing/pricing.py.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError, QuerySet
from django.db.models.functions import Now

from billing import drafts
from billing.errors import BookRefused, PricesInvalid
from billing.models import PriceBook, PriceRule
from common import json_text, price_lines
from common.json_text import JsonRefused

# So close before its time a book is not withdrawn: some process may be reading it already.
WITHDRAWAL_SECONDS = 1
MEMO_MAX_CHARS = 200


def publish_json(text: str, *, memo: str = "") -> PriceBook:
    """Publishes `{"mj_imagine": 0.1, ...}` (currency units) as the new price book.

    Raises PricesInvalid, with line and column; nothing changes then.
    """
    return publish(parse(text), memo=memo)


def parse(text: str) -> dict[str, int]:
    """Price names and micro-units. Amounts are read as decimals: 0.1 is exactly 0.1."""
    try:
        node = json_text.parse(text)
        lines = price_lines.by_name(node)
        if not lines:
            raise node.refusal(f"expected an object such as {price_lines.BY_NAME_EXAMPLE}")
    except JsonRefused as error:
        raise PricesInvalid(str(error)) from error
    return {line.name: line.amount for line in lines}


@transaction.atomic
def publish(prices: dict[str, int], *, memo: str = "") -> PriceBook:
    """A book of these prices for everybody, in force at once; ratios and prices of single groups
    and tenants are not in it."""
    book = draft(origin=None, actor="", memo=memo)
    PriceRule.objects.bulk_create(
        PriceRule(book=book, name=name, amount=amount) for name, amount in prices.items()
    )
    return release(book, actor="")


@transaction.atomic
def draft(*, origin: PriceBook | None, actor: str, memo: str = "") -> PriceBook:
    """A draft with the lines of `origin`, empty without one. Raises BookRefused."""
    _check_memo(memo)
    book = PriceBook.objects.create(origin=origin, created_by=actor, memo=memo)
    if origin is not None:
        _copy(origin.rules.order_by("id"), book)
        _copy(origin.ratios.order_by("id"), book)
    return book


@transaction.atomic
def describe(draft: PriceBook, memo: str) -> None:
    """Gives a draft another memo. Raises BookRefused."""
    _check_memo(memo)
    drafts.lock(draft)
    PriceBook.objects.filter(pk=draft.pk).update(memo=memo)
    draft.refresh_from_db()


@transaction.atomic
def discard(book: PriceBook) -> None:
    """Deletes a draft. Raises BookRefused when it is published, or another book is a copy of it."""
    drafts.lock(book)
    try:
        book.rules.all().delete()
        book.ratios.all().delete()
        PriceBook.objects.filter(pk=book.pk).delete()
    except ProtectedError as error:
        raise BookRefused(f"{book} stays: another book is a copy of it") from error


@transaction.atomic
def release(book: PriceBook, *, actor: str, effective_at: datetime | None = None) -> PriceBook:
    """Publishes a draft: in force from `effective_at` on, at once without it.

    Raises BookRefused when it is published already, its time is past, or a price is absurd.
    """
    locked = drafts.lock(book)
    if effective_at is not None and effective_at < locked.clock:  # type: ignore[attr-defined]
        raise BookRefused("a price book cannot be in force before it is published")
    drafts.check_products(book)
    PriceBook.objects.filter(pk=book.pk).update(
        published_at=Now(), published_by=actor, effective_at=effective_at or Now()
    )
    book.refresh_from_db()
    return book


def withdraw(book: PriceBook) -> PriceBook:
    """Makes a draft again of a book whose time has not come. Raises BookRefused."""
    unpublished = {"published_at": None, "published_by": "", "effective_at": None}
    latest = Now() + timedelta(seconds=WITHDRAWAL_SECONDS)
    waiting = PriceBook.objects.published().filter(pk=book.pk, effective_at__gt=latest)
    if not waiting.update(**unpublished):
        raise BookRefused(f"{book} is not waiting for its time")
    book.refresh_from_db()
    return book


@transaction.atomic
def roll_back(
    to: PriceBook, *, actor: str, effective_at: datetime | None = None, memo: str = ""
) -> PriceBook:
    """Publishes a copy of an older book. Raises BookRefused."""
    if not PriceBook.objects.published().filter(pk=to.pk, effective_at__lte=Now()).exists():
        raise BookRefused(f"{to} was never in force")
    copy = draft(origin=to, actor=actor, memo=memo or f"back to {to}")
    return release(copy, actor=actor, effective_at=effective_at)


def _check_memo(memo: str) -> None:
    if len(memo) > MEMO_MAX_CHARS or "\x00" in memo:
        raise BookRefused(f"a memo has at most {MEMO_MAX_CHARS} characters, and no NUL")


def _copy(lines: QuerySet[Any], book: PriceBook) -> None:
    copies = list(lines)
    for line in copies:
        line.pk, line.book = None, book
    lines.model._default_manager.bulk_create(copies)
