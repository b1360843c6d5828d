"""On-line top-ups: ordered here, paid at a payment service, credited once.

Whatever a provider tells, and however often: an order is credited when what was paid is what was
ordered, in one transaction with its state. What does not fit is kept for an operator.
"""

import logging
import re
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Right
from django.utils import timezone

from billing import ledger, money, providers
from billing.errors import OrderUnknown, ProviderFailed, ProviderOff, TopUpRefused
from billing.models import Tenant, TopUp
from billing.providers.base import Checkout, Outcome, Payment, Provider, minor_text
from common import sql

logger = logging.getLogger(__name__)

State = TopUp.State
# An order that nobody pays is closed; a payment that comes later is credited all the same.
EXPIRY = timedelta(hours=24)
# More orders than a person forgets to pay: somebody plays with the payment service's door.
PENDING_MAX = 20
# Stripe takes eight digits, in the currency's smallest unit.
PAY_AMOUNT_MAX = 99_999_999
NOTE_MAX_CHARS = 500
REFERENCE_MAX_CHARS = 100
# As long as Entry.memo may be.
MEMO_MAX_CHARS = 200
CENT = money.UNIT // 100
_NUMBER = re.compile(r"[0-9a-f]{8,32}")


def limits() -> tuple[int, int]:
    """TOPUP_MIN and TOPUP_MAX in micro-units. Raises ValueError when they make no sense."""
    least, most = money.to_micro(settings.TOPUP_MIN), money.to_micro(settings.TOPUP_MAX)
    if not 0 < least <= most:
        raise ValueError("TOPUP_MIN must be positive and at most TOPUP_MAX")
    return least, most


def order(
    *, tenant: Tenant, provider: str, amount: int, actor: str, method: str = ""
) -> tuple[TopUp, str]:
    """Orders `amount` micro-units: (order, address where the tenant pays).

    `method` is one of the provider's own, by default its first. Raises TopUpRefused, ProviderOff,
    and ProviderFailed, after which the order stays behind unpaid. Not within a transaction: the
    order is committed before its payment service hears of it.
    """
    shop = providers.find(provider)
    if not shop.is_on:
        raise ProviderOff(provider)
    way = _method(shop, method)
    placed = _place(shop, tenant=tenant, amount=amount, actor=actor)
    # Nobody's connection waits for a payment service.
    sql.release_connection()
    try:
        redirect = shop.create(_checkout(placed, way))
    except ProviderFailed:
        _note(placed, "the payment service did not take it")
        raise
    # Of a quick payer we may have been told already.
    TopUp.objects.filter(pk=placed.pk, provider_reference="").update(
        provider_reference=redirect.reference
    )
    placed.refresh_from_db()
    return placed, redirect.url


def pay(payment: Payment, *, provider: str) -> str:
    """Books what a provider says of an order; returns the state that the order is in then.

    Repeatable: an order is credited once. Raises OrderUnknown.
    """
    if not _NUMBER.fullmatch(payment.number):
        raise OrderUnknown
    found = TopUp.objects.filter(number=payment.number, provider=provider).first()
    if found is None:
        raise OrderUnknown
    if payment.outcome == Outcome.EXPIRED:
        TopUp.objects.filter(pk=found.pk, state=State.PENDING).update(state=State.EXPIRED)
    elif payment.outcome == Outcome.PAID:
        _book(found, payment)
    found.refresh_from_db()
    return found.state


@transaction.atomic
def settle(number: str, *, amount: int, actor: str, memo: str) -> TopUp:
    """An operator decides a disputed order: `amount` micro-units are credited, once.

    Raises OrderUnknown, TopUpRefused.
    """
    if not 0 < amount <= money.LARGEST:
        raise TopUpRefused("what is credited must be more than nothing")
    said = f"{money.text(amount)} credited by {actor}: {memo}"
    found = _decide(number, said, actor=actor, memo=memo, state=State.PAID, amount=amount)
    ledger.topup(
        tenant_id=found.tenant_id,
        amount=amount,
        reference=_reference(found),
        actor=actor,
        memo=memo,
    )
    return found


def dismiss(number: str, *, actor: str, memo: str) -> TopUp:
    """An operator decides a disputed order: nothing is credited, the payer got his money back.

    Raises OrderUnknown, TopUpRefused.
    """
    said = f"dismissed by {actor}: {memo}"
    return _decide(number, said, actor=actor, memo=memo, state=State.EXPIRED)


def expire() -> int:
    """Closes what nobody has paid in time; returns how many."""
    overdue = TopUp.objects.filter(state=State.PENDING, created_at__lt=timezone.now() - EXPIRY)
    return overdue.update(state=State.EXPIRED)


def _method(shop: Provider, method: str) -> str:
    methods = shop.methods
    if method and method not in methods:
        raise TopUpRefused(f"{shop.name} has no such way to pay; it has {', '.join(methods)}")
    return method or next(iter(methods), "")


def _place(shop: Provider, *, tenant: Tenant, amount: int, actor: str) -> TopUp:
    """Commits the order. Raises TopUpRefused."""
    least, most = limits()
    if not least <= amount <= most:
        raise TopUpRefused(f"a top-up is {money.text(least)} to {money.text(most)}")
    if amount % CENT:
        raise TopUpRefused("a top-up has at most two decimals")
    pay_amount = shop.price(amount)
    if not 0 < pay_amount <= PAY_AMOUNT_MAX:
        raise TopUpRefused(f"{shop.name} takes no payment of that size")
    with transaction.atomic(durable=True):
        since = timezone.now() - EXPIRY
        pending = TopUp.objects.filter(tenant=tenant, state=State.PENDING, created_at__gt=since)
        if pending.count() >= PENDING_MAX:
            raise TopUpRefused("there are too many unpaid orders; pay one, or wait a day")
        return TopUp.objects.create(
            number=f"{timezone.now():%y%m%d}{secrets.token_hex(12)}",
            tenant=tenant,
            provider=shop.name,
            amount=amount,
            pay_amount=pay_amount,
            pay_currency=shop.currency,
            created_by=actor,
        )


def _checkout(placed: TopUp, method: str) -> Checkout:
    return Checkout(
        number=placed.number,
        amount=placed.pay_amount,
        currency=placed.pay_currency,
        method=method,
        notify_url=f"{settings.PUBLIC_URL}/pay/{placed.provider}/notify",
        return_url=f"{settings.PUBLIC_URL}/console/paid/{placed.number}/",
    )


@transaction.atomic
def _book(found: TopUp, payment: Payment) -> None:
    """Credits an order that is paid as it was ordered; anything else is disputed."""
    reference = _shown(payment.reference, REFERENCE_MAX_CHARS)
    is_right = (payment.amount, payment.currency) == (found.pay_amount, found.pay_currency)
    unpaid = TopUp.objects.filter(pk=found.pk).exclude(state=State.PAID)
    if is_right:
        change = {"state": State.PAID, "paid_at": timezone.now()}
    else:
        change = {"state": State.DISPUTED}
    if not unpaid.update(**change, provider_reference=reference):
        _look_twice(found.pk, payment, reference)
    elif is_right:
        ledger.topup(
            tenant_id=found.tenant_id,
            amount=found.amount,
            reference=_reference(found),
            actor=found.provider,
            memo=f"order {found.number}",
        )
    else:
        ordered = minor_text(found.pay_amount, found.pay_currency)
        _warn(found, f"{_said(payment)} was paid as {reference}, ordered was {ordered}")


def _look_twice(pk: int, payment: Payment, reference: str) -> None:
    """The order was credited before. Told once more that is nothing; paid once more it is."""
    paid = TopUp.objects.get(pk=pk)
    if reference and reference != paid.provider_reference:
        _warn(paid, f"{_said(payment)} was paid once more as {reference}")


@transaction.atomic
def _decide(number: str, said: str, *, actor: str, memo: str, **change: object) -> TopUp:
    if not (memo.strip() and memo.isprintable() and len(memo) <= MEMO_MAX_CHARS and actor):
        raise TopUpRefused(
            f"a decision needs a reason of at most {MEMO_MAX_CHARS} characters, and an actor"
        )
    found = TopUp.objects.filter(number=number).first() if _NUMBER.fullmatch(number) else None
    if found is None:
        raise OrderUnknown
    if change["state"] == State.PAID:
        change["paid_at"] = timezone.now()
    if not TopUp.objects.filter(pk=found.pk, state=State.DISPUTED).update(**change):
        raise TopUpRefused(f"{found} is not disputed")
    _note(found, said)
    found.refresh_from_db()
    return found


def _reference(found: TopUp) -> str:
    """What the ledger calls it."""
    return f"topup-{found.number}"


def _said(payment: Payment) -> str:
    if payment.amount is None:
        return _shown(payment.said, REFERENCE_MAX_CHARS) or "nothing that could be read"
    return f"{payment.amount} of the smallest unit of {_shown(payment.currency, 10)}"


def _shown(text: str, chars: int) -> str:
    """A stranger's text as it may stand in the database and in logs."""
    return "".join(char for char in text if char.isprintable())[:chars]


def _warn(found: TopUp, text: str) -> None:
    logger.error("%s of tenant %s at %s: %s", found, found.tenant_id, found.provider, text)
    _note(found, text)


def _note(found: TopUp, text: str) -> None:
    """Adds to what is known of an order, the newest last; the same news only once."""
    text = _shown(text, NOTE_MAX_CHARS)
    added = Right(Concat(F("note"), Value(f"{text}. ")), NOTE_MAX_CHARS)
    TopUp.objects.filter(pk=found.pk).exclude(note__contains=text).update(note=added)
