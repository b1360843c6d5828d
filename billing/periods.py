"""Days from one to another, both inclusive, in UTC: what statements and reports are about."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)


class Period(NamedTuple):
    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"

    @property
    def began(self) -> datetime:
        return datetime(*self.first.timetuple()[:3], tzinfo=UTC)

    @property
    def ended(self) -> datetime:
        """The first moment that is not in it any more."""
        return datetime(*self.last.timetuple()[:3], tzinfo=UTC) + timedelta(days=1)


def period(first: date, last: date) -> Period:
    """Raises ValueError when these are no days of a period, in words for who has chosen them."""
    if first > last:
        raise ValueError(f"the period ends before it begins: {first} to {last}")
    if first < EARLIEST or last > LATEST:
        raise ValueError(f"a period lies between {EARLIEST} and {LATEST}")
    return Period(first, last)


def parse(first: str, last: str) -> Period:
    """From texts like 2026-01-31. Raises ValueError."""
    return period(_day(first), _day(last))


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise ValueError(f"{text!r} is not a day like 2026-01-31") from error
