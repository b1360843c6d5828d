"""What is asked about a key."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from console.forms import ApiForm, form_of
from relay.api.v1 import keys

# Asked first; the rest stands behind "More".
MAIN = ("name", "expires_at", "budget", "day_budget", "week_budget", "month_budget")
MORE = (
    "default_mode",
    "policy",
    "image_setting",
    "hook",
    "modes",
    "actions",
    "addresses",
    "rpm",
    "concurrency",
    "queue_seconds",
)
# Decides prices: only the site chooses it.
SITES_OWN = ("group",)
NO_LIMIT = _("Empty: no limit.")
CHANGES: dict[str, dict[str, Any]] = {
    "expires_at": {"help_text": _("Empty: never.")},
    "budget": {"help_text": NO_LIMIT},
    "day_budget": {"help_text": NO_LIMIT},
    "week_budget": {"help_text": NO_LIMIT},
    "month_budget": {"help_text": NO_LIMIT},
    "rpm": {"help_text": NO_LIMIT},
    "concurrency": {"help_text": NO_LIMIT},
    "default_mode": {"help_text": _("Empty: the site's.")},
    "policy": {
        "help_text": _("Which channel draws: in the site's order, the cheapest, or the one that "
                       "failed least in the last minutes."),
    },
    "addresses": {"help_text": _("IP addresses and networks, one a line. Empty: from anywhere.")},
}  # fmt: skip
GROUP = {"help_text": _("Whose prices and channels it uses. Empty: the tenant's group.")}


def new_key(*, is_site: bool) -> type[ApiForm]:
    return form_of(keys.Keys, "post", _fields("is_test", is_site=is_site), **_changes(is_site))


def changed_key(*, is_site: bool) -> type[ApiForm]:
    return form_of(keys.OneKey, "patch", _fields(is_site=is_site), **_changes(is_site))


Rotation = form_of(
    keys.KeyRotation,
    "post",
    ["overlap_seconds"],
    overlap_seconds={
        "help_text": _("Both keys work for so long: 86400 is a day. 0: the old one stops at once.")
    },
)


def _fields(*more: str, is_site: bool) -> list[str]:
    return [*MAIN, *more, *MORE, *(SITES_OWN if is_site else ())]


def _changes(is_site: bool) -> dict[str, dict[str, Any]]:
    return CHANGES | ({"group": GROUP} if is_site else {})
