"""What the ledger must do, in plain Python: no database, no SQL, one thing after the other."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from billing.errors import (
    BillingError,
    ConcurrencyLimited,
    InvalidKey,
    NothingCaptured,
    Overdrawn,
    QuotaNotEnough,
    RefundRefused,
)

PERIODS = ("day", "week", "month")


def began(period: str, moment: datetime) -> date:
    """When the period (UTC) began that a moment is in."""
    day = moment.date()
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


@dataclass
class Wallet:
    balance: int = 0
    held: int = 0
    open_holds: int = 0
    credit_limit: int = 0

    @property
    def available(self) -> int:
        return self.balance - self.held + self.credit_limit


@dataclass
class Key:
    wallet: Wallet
    is_active: bool = True
    held: int = 0
    spent: int = 0
    open_holds: int = 0
    budget: int | None = None
    # By period: its budget, when the newest one began, and what has been used of it.
    budgets: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(PERIODS))
    starts: dict[str, date] = field(
        default_factory=lambda: dict.fromkeys(PERIODS, date(1970, 1, 1))
    )
    used: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PERIODS, 0))

    def fits(self, price: int, moment: datetime) -> bool:
        if self.budget is not None and self.spent + self.held + price > self.budget:
            return False
        return all(
            budget is None or price + self._used_in(period, moment) <= budget
            for period, budget in self.budgets.items()
        )

    def use(self, price: int, moment: datetime) -> None:
        for period in PERIODS:
            self.used[period] = self._used_in(period, moment) + price
            self.starts[period] = began(period, moment)

    def give_back(self, amount: int, used_at: datetime) -> None:
        for period in PERIODS:
            if self.starts[period] == began(period, used_at):
                self.used[period] -= amount

    def _used_in(self, period: str, moment: datetime) -> int:
        return self.used[period] if self.starts[period] == began(period, moment) else 0


@dataclass
class Hold:
    key: Key
    price: int
    moment: datetime
    captured: int | None = None
    released: bool = False
    refunded: int = 0

    @property
    def is_open(self) -> bool:
        return self.captured is None and not self.released


def hold(
    key: Key, price: int, moment: datetime, *, at_once: int | None
) -> Hold | type[BillingError]:
    """The hold, or how it is refused."""
    wallet = key.wallet
    if not key.is_active:
        return InvalidKey
    if wallet.available < price or not key.fits(price, moment):
        return QuotaNotEnough
    if at_once is not None and key.open_holds >= at_once:
        return ConcurrencyLimited
    wallet.held += price
    wallet.open_holds += 1
    key.held += price
    key.open_holds += 1
    key.use(price, moment)
    return Hold(key, price, moment)


def end(one: Hold, amount: int) -> None:
    """`amount` is paid, nothing for a release. The hold is open and covers it."""
    wallet, key = one.key.wallet, one.key
    wallet.balance -= amount
    wallet.held -= one.price
    wallet.open_holds -= 1
    key.held -= one.price
    key.open_holds -= 1
    key.spent += amount
    key.give_back(one.price - amount, one.moment)


def refund(one: Hold, amount: int | None) -> int | type[BillingError]:
    """What is given back, or how it is refused."""
    if one.captured is None:
        return NothingCaptured
    left = one.captured - one.refunded
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        return RefundRefused
    one.refunded += amount
    one.key.wallet.balance += amount
    one.key.spent -= amount
    one.key.give_back(amount, one.moment)
    return amount


def book(
    wallet: Wallet, amount: int, *, credit_limit: int | None = None
) -> type[BillingError] | None:
    """Money from outside and corrections: how it is refused, None when it is booked."""
    limit = wallet.credit_limit if credit_limit is None else credit_limit
    if wallet.balance + amount - wallet.held + limit < 0:
        return Overdrawn
    wallet.balance += amount
    wallet.credit_limit = limit
    return None
