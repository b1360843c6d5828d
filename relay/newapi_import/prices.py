"""The price settings become a draft of a price book."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from billing import books, newapi_prices
from billing.errors import PricesInvalid
from billing.models import PriceBook
from billing.newapi_prices import Maps
from common import json_text, price_lines
from common.json_text import JsonRefused
from relay.newapi_import import names
from relay.newapi_import.errors import ImportRefused
from relay.newapi_import.options import Options

# What new-api asks for a name that nobody has priced, in currency units.
DEFAULTS = {
    "mj_imagine": Decimal("0.1"),
    "mj_edits": Decimal("0.1"),
    "mj_variation": Decimal("0.1"),
    "mj_reroll": Decimal("0.1"),
    "mj_blend": Decimal("0.1"),
    "mj_modal": Decimal("0.1"),
    "mj_zoom": Decimal("0.1"),
    "mj_shorten": Decimal("0.1"),
    "mj_high_variation": Decimal("0.1"),
    "mj_low_variation": Decimal("0.1"),
    "mj_pan": Decimal("0.1"),
    "mj_describe": Decimal("0.05"),
    "mj_upscale": Decimal("0.05"),
    "swap_face": Decimal("0.05"),
    "mj_upload": Decimal("0.05"),
    "mj_inpaint": Decimal(0),
    "mj_custom_zoom": Decimal(0),
    "mj_video": Decimal("0.8"),
}


@dataclass(frozen=True)
class NewPrices:
    """`own` and `built_in` are how many prices were set there, and how many were not."""

    maps: Maps
    own: int
    built_in: int

    @property
    def memo(self) -> str:
        """By it the same prices are known again."""
        text = "\n".join(part or "" for part in self.maps)
        return f"from a new-api database, {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def plan(options: Options, *, is_newapi: bool) -> NewPrices | None:
    """None where there is nothing to take over. Raises ImportRefused, with line and column."""
    own = _drawing(options.get("ModelPrice") or "{}")
    ratios = (options.get("GroupRatio") or None, options.get("GroupGroupRatio") or None)
    # one-api knows no price for a drawing, so it has none built in either.
    built_in = DEFAULTS if is_newapi else {}
    prices = {**built_in, **own}
    if not prices and ratios == (None, None):
        return None
    model_price = json_text.write(prices) if prices else None
    return NewPrices(Maps(model_price, *ratios), own=len(own), built_in=len(prices) - len(own))


def write(prices: NewPrices, *, actor: str, is_published: bool) -> str:
    """What was done, in words. Rules of single tenants and groups that are in force here stay.

    Raises ImportRefused.
    """
    if known := PriceBook.objects.filter(memo=prices.memo).order_by("-id").first():
        return f"{known} has these prices already"
    draft = books.draft(origin=PriceBook.objects.in_force(), actor=actor, memo=prices.memo)
    try:
        newapi_prices.replace(draft, prices.maps)
    except PricesInvalid as error:
        raise ImportRefused(f"option {error}") from error
    if is_published and not draft.rules.exists():
        raise ImportRefused("there are no prices to publish; look at the draft first")
    if is_published:
        books.release(draft, actor=actor)
    lines = f"{draft.rules.count()} prices and {draft.ratios.count()} ratios"
    return f"{draft}, {lines}, {'in force at once' if is_published else 'a draft to look at'}"


def _drawing(text: str) -> dict[str, Decimal]:
    """The prices of drawings among all others, in currency units."""
    try:
        members = json_text.parse(text).members(price_lines.BY_NAME_EXAMPLE)
        return {
            name: price_lines.units(price_lines.amount(node, f"the price of {name}"))
            for name, node in members.items()
            if names.is_drawing(name)
        }
    except JsonRefused as error:
        raise ImportRefused(f"option ModelPrice: {error}") from error
