"""Names that have to be free here, and the actions behind the names of models."""

from collections.abc import Collection

from relay import actions
from relay.actions import Action

# A confirmation is a name of its own there. Here the action that asks for it needs both.
_CONFIRMED = {"CUSTOM_ZOOM": "mj_custom_zoom", "INPAINT": "mj_inpaint"}


def of_models(csv: str) -> list[str]:
    """The actions that a comma-separated list of exact model names allows."""
    named = {name.strip() for name in csv.split(",")}
    return [action.name for action in actions.ALL if _is_allowed(action, named)]


def free(wanted: str, *, taken: Collection[str], suffix: str, limit: int) -> str:
    """The wanted name, with a suffix that is unique in itself where it is taken."""
    if wanted not in taken:
        return wanted
    return f"{wanted[: limit - len(suffix) - 1]}-{suffix}"


def is_drawing(price_name: str) -> bool:
    """Whether a price, or a pattern of prices, of the whole family's list is about drawing."""
    if price_name.startswith("mj_"):
        return True
    if price_name.endswith("*"):
        prefix = price_name.removesuffix("*")
        return any(name.startswith(prefix) for name in actions.all_price_names())
    return price_name in actions.all_price_names()


def _is_allowed(action: Action, named: Collection[str]) -> bool:
    if opener := _CONFIRMED.get(action.name):
        return opener in named and all(name in named for name in action.price_names)
    return any(name in named for name in action.price_names)
