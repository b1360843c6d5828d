"""What is left of revenue, for figures of any kind."""

from dataclasses import fields
from typing import Any, Self


class Margins:
    """Of a dataclass of sums, which has these fields among others, in the order of its rows. Money
    in micro-units; `cost_unknown` counts the drawings whose cost nobody knows."""

    revenue: int
    refunded: int
    cost: int
    cost_unknown: int

    def __add__(self, other: Self) -> Self:
        of: Any = self
        names = [field.name for field in fields(of)]
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def net(self) -> int:
        return self.revenue - self.refunded

    @property
    def margin(self) -> int | None:
        """None while the cost of a drawing is not known: it is not nothing."""
        return None if self.cost_unknown else self.margin_at_most

    @property
    def margin_at_most(self) -> int:
        """As if drawings of unknown cost had cost nothing."""
        return self.net - self.cost
