"""What price names, actions and scopes are called on pages."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from relay import actions

ACTIONS: dict[str, Any] = {
    "IMAGINE": _("Imagine"),
    "BLEND": _("Blend"),
    "DESCRIBE": _("Describe"),
    "SHORTEN": _("Shorten"),
    "UPSCALE": _("Upscale"),
    "UPSCALE_HD": _("Upscale, larger"),
    "VARIATION": _("Variation"),
    "LOW_VARIATION": _("Subtle variation"),
    "HIGH_VARIATION": _("Strong variation"),
    "REROLL": _("Draw again"),
    "PAN": _("Pan"),
    "ZOOM": _("Zoom out"),
    "CUSTOM_ZOOM": _("Zoom as you like"),
    "INPAINT": _("Paint over a part"),
    "EDITS": _("Edit an image"),
    "VIDEO": _("Video"),
    "UPLOAD": _("Upload an image"),
    "SWAP_FACE": _("Swap faces"),
}
# Two actions have this one.
NAMES: dict[str, Any] = {"mj_modal": _("Zoom as you like, paint over a part")}


def action(name: str) -> Any:
    return ACTIONS.get(name, name)


def price(name: str) -> Any:
    """What a price name is about; "" for one that is no action's."""
    if name in NAMES:
        return NAMES[name]
    if name.endswith("*"):
        return _("everything that begins so") if name != "*" else _("everything")
    return next((action(one.name) for one in actions.ALL if one.price_names[0] == name), "")
