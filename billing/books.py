"""Price books: read from the JSON that operators of this family have, published as a whole."""

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing import money
from billing.errors import BookRefused, PricesInvalid
from billing.models import PriceBook, PriceRule

NAME_MAX_CHARS = 64


def publish_json(text: str, *, memo: str = "") -> PriceBook:
    """Publishes `{"mj_imagine": 0.1, ...}` (currency units) as the new price book.

    Raises PricesInvalid, with line and column where the JSON is broken; nothing changes then.
    """
    return publish(parse(text), memo=memo)


def parse(text: str) -> dict[str, int]:
    """Price names and micro-units. Amounts are read as decimals: 0.1 is exactly 0.1."""
    try:
        prices = json.loads(
            text, parse_float=_number, parse_int=_number, object_pairs_hook=_without_doubles
        )
    except json.JSONDecodeError as error:
        raise PricesInvalid(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    if not isinstance(prices, dict) or not prices:
        raise PricesInvalid('expected an object such as {"mj_imagine": 0.1}')
    return {_name(name): _amount(name, value) for name, value in prices.items()}


@transaction.atomic
def publish(prices: dict[str, int], *, memo: str = "") -> PriceBook:
    """A book of these prices for everybody, in force at once; ratios and prices of single groups
    and tenants are not in it."""
    book = PriceBook.objects.create(memo=memo)
    PriceRule.objects.bulk_create(
        PriceRule(book=book, name=name, amount=amount) for name, amount in prices.items()
    )
    return release(book, actor="")


@transaction.atomic
def draft(*, origin: PriceBook | None, actor: str, memo: str = "") -> PriceBook:
    """A draft with the lines of `origin`, empty without one."""
    book = PriceBook.objects.create(origin=origin, created_by=actor, memo=memo)
    if origin is not None:
        _copy(origin.rules.all(), book)
        _copy(origin.ratios.all(), book)
    return book


def release(book: PriceBook, *, actor: str, effective_at: datetime | None = None) -> PriceBook:
    """Publishes a draft: in force from `effective_at` on, at once without it.

    Raises BookRefused when it is published already or its time is past.
    """
    now = timezone.now()
    if effective_at is not None and effective_at < now:
        raise BookRefused("a price book cannot be in force before it is published")
    drafts = PriceBook.objects.filter(pk=book.pk, published_at__isnull=True)
    published = {"published_at": now, "published_by": actor, "effective_at": effective_at or now}
    if not drafts.update(**published):
        raise BookRefused(f"{book} is published already")
    book.refresh_from_db()
    return book


def withdraw(book: PriceBook) -> PriceBook:
    """Makes a draft again of a book whose time has not come. Raises BookRefused."""
    unpublished = {"published_at": None, "published_by": "", "effective_at": None}
    if not PriceBook.objects.upcoming().filter(pk=book.pk).update(**unpublished):
        raise BookRefused(f"{book} is not waiting for its time")
    book.refresh_from_db()
    return book


@transaction.atomic
def roll_back(to: PriceBook, *, actor: str, effective_at: datetime | None = None) -> PriceBook:
    """Publishes a copy of an older book. Raises BookRefused."""
    if to.published_at is None:
        raise BookRefused(f"{to} was never published")
    copy = draft(origin=to, actor=actor, memo=f"back to {to}")
    return release(copy, actor=actor, effective_at=effective_at)


def _copy(lines: QuerySet[Any], book: PriceBook) -> None:
    copies = list(lines)
    for line in copies:
        line.pk, line.book = None, book
    lines.model._default_manager.bulk_create(copies)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    prices = dict(pairs)
    if len(prices) != len(pairs):
        raise PricesInvalid("a price name stands there twice")
    return prices


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise PricesInvalid(f"{text} is not a number that can be a price") from error


def _name(name: str) -> str:
    if not name or len(name) > NAME_MAX_CHARS or "\x00" in name:
        raise PricesInvalid(f"{name!r} is not a price name")
    return name


def _amount(name: str, value: Any) -> int:
    if not isinstance(value, Decimal):
        raise PricesInvalid(f"the price of {name} is not a number")
    try:
        amount = money.to_micro(value)
    except ValueError as error:
        raise PricesInvalid(f"the price of {name}: {error}") from error
    if amount < 0:
        raise PricesInvalid(f"the price of {name} is negative")
    return amount
