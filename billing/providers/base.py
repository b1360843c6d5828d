"""What a payment service is to us: it takes an order, and tells us when it is paid.

A provider sees plain data and the settings, never the database. What it reads it has proved to be
its own service's word; whether that fits the order is decided in billing/topups.py alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import ClassVar, NamedTuple

from django.conf import settings

from billing.errors import ProviderOff
from billing.money import UNIT
from common import site

# How many digits a currency's smallest unit has behind the point; of all others two. Stripe's
# list, which also takes ISK and UGX in hundredths: https://docs.stripe.com/currencies#zero-decimal
MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"), 0),
    **dict.fromkeys(("PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}
USUAL_DIGITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """An order as its payment service gets it. `amount` is in the currency's smallest unit."""

    number: str
    amount: int
    currency: str
    method: str
    notify_url: str
    return_url: str


class Redirect(NamedTuple):
    """Where the payer goes, and what the service calls the order (empty: it has not told yet)."""

    url: str
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A request in the name of a payment service, as it came."""

    body: bytes = b""
    query: Mapping[str, str]
    signature: str = ""


class Outcome(StrEnum):
    PAID = "paid"
    # Begun, or authorised, but no money yet.
    WAITING = "waiting"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What a payment service says of an order.

    `amount` is in the currency's smallest unit, None when it is no amount that we could read; then
    `said` tells people what stood there.
    """

    number: str
    reference: str
    amount: int | None
    currency: str
    outcome: Outcome
    said: str = ""


class Provider(ABC):
    """One payment service."""

    name: str
    # What is paid in, three capital letters; empty: the site's currency.
    own_currency: ClassVar[str] = ""

    @property
    @abstractmethod
    def is_on(self) -> bool:
        """Whether the settings have all that is needed to take an order and to hear of it."""

    @property
    def currency(self) -> str:
        """What is paid in: three capital letters."""
        return self.own_currency or str(site.value("currency")).upper()

    @property
    def methods(self) -> list[str]:
        """The ways to pay that we must choose from beforehand."""
        return []

    @abstractmethod
    def create(self, checkout: Checkout) -> Redirect:
        """Has the service open an order. Raises ProviderFailed."""

    @abstractmethod
    def read(self, notification: Notification) -> Payment | None:
        """What the service says; None when that is no matter of ours.

        Raises ProviderOff when there is no secret to prove it with, InvalidSignature,
        MalformedPayment.
        """

    def price(self, amount: int) -> int:
        """What `amount` micro-units of the site's currency cost there, in the smallest unit of
        its currency, half up. Raises ProviderOff without an exchange rate."""
        return to_minor(amount, currency=self.currency, rate=self._rate())

    def _rate(self) -> Decimal:
        if self.currency == site.value("currency").upper():
            return Decimal(1)
        try:
            return rates()[self.currency]
        except KeyError as error:
            raise ProviderOff(self.name) from error


def rates() -> dict[str, Decimal]:
    """TOPUP_RATES: units of each currency for one unit of the site's.

    Raises ValueError when one of them is not a positive number.
    """
    found = {}
    for currency, text in settings.TOPUP_RATES.items():
        try:
            rate = Decimal(text)
        except ArithmeticError as error:
            raise ValueError(f"{currency}={text} is not a rate") from error
        if not (rate.is_finite() and rate > 0):
            raise ValueError(f"{currency}={text} is not a rate")
        found[currency.strip().upper()] = rate
    return found


def to_minor(amount: int, *, currency: str, rate: Decimal) -> int:
    """Micro-units times `rate`, in the currency's smallest unit, half up.

    Of three digits the last is 0, as Stripe wants it.
    """
    digits = MINOR_DIGITS.get(currency, USUAL_DIGITS)
    whole = Decimal(amount) * rate / UNIT * 10 ** min(digits, USUAL_DIGITS)
    rounded = int(whole.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return int(rounded * 10 ** max(digits - USUAL_DIGITS, 0))


def minor_text(amount: int, currency: str) -> str:
    """For people: 7200 CNY cents are "72.00 CNY"."""
    digits = MINOR_DIGITS.get(currency, USUAL_DIGITS)
    return f"{Decimal(amount).scaleb(-digits):f} {currency}"
