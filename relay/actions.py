"""The actions as data."""

from typing import NamedTuple


class Action(NamedTuple):
    """What there is to know about an action before it is submitted."""

    name: str
    price_name: str


IMAGINE = Action(name="IMAGINE", price_name="mj_imagine")
