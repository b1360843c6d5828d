"""What is counted and found on the way, for the report."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction


@dataclass
class Tally:
    """The rows of one table: each is in one of the figures."""

    there: int = 0
    imported: int = 0
    here_already: int = 0
    skipped: int = 0
    deleted: int = 0


@dataclass
class Findings:
    """What the operator should know, by what it is: ids, never keys."""

    rows: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, what: str, row: str) -> None:
        self.rows[what].append(row)


@dataclass
class Money:
    """The users' quota there, and what it becomes. `micro` is what was rounded, user by user."""

    per_unit: Decimal
    imported: int = 0
    here_already: int = 0
    skipped: int = 0
    micro: int = 0

    @property
    def there(self) -> int:
        return self.imported + self.here_already + self.skipped

    @property
    def rounding(self) -> Fraction:
        """What rounding added, in micro-units."""
        return self.micro - exact_micro(self.imported, self.per_unit)


def exact_micro(quota: int, per_unit: Decimal) -> Fraction:
    return Fraction(quota * 1_000_000) / Fraction(per_unit)


def to_micro(quota: int, per_unit: Decimal) -> int:
    """Micro-units of an amount of quota, rounded half up, debts like credits."""
    exact = exact_micro(abs(quota), per_unit)
    rounded = int(exact + Fraction(1, 2))
    return rounded if quota >= 0 else -rounded
