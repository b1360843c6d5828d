"""Price books: read from the JSON that operators of this family have, published as a whole."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from billing import money
from billing.errors import PricesInvalid
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
    book = PriceBook.objects.create(memo=memo)
    PriceRule.objects.bulk_create(
        PriceRule(book=book, name=name, amount=amount) for name, amount in prices.items()
    )
    return book


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
