"""What the API's words are called on pages: names of fields, and the words that they choose from.

A name that is not here is shown as it is, with spaces. Names mean the same in every body and query.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

NAMES: dict[str, Any] = {
    "action": _("Action"),
    "actions": _("Actions"),
    "addresses": _("Addresses"),
    "amount": _("Amount"),
    "base_url": _("Address"),
    "breaker": _("Breaker"),
    "budget": _("Budget in all"),
    "channel": _("Channel"),
    "concurrency": _("Tasks at once"),
    "count": _("How many"),
    "created_at": _("Made"),
    "credit_limit": _("Credit limit"),
    "day_budget": _("Budget of a day"),
    "default_mode": _("Mode when none is asked for"),
    "expires_at": _("Expires"),
    "first": _("First day"),
    "group": _("Group"),
    "groups": _("Groups"),
    "hook": _("Callback address"),
    "image_setting": _("Picture addresses"),
    "is_active": _("Active"),
    "is_test": _("Test"),
    "key": _("Key"),
    "kind": _("Kind"),
    "last": _("Last day"),
    "memo": _("Note"),
    "message_id": _("Message"),
    "mode": _("Mode"),
    "modes": _("Modes"),
    "month_budget": _("Budget of a month"),
    "name": _("Name"),
    "outcome": _("Outcome"),
    "overlap_seconds": _("Seconds that the old one goes on"),
    "person": _("Person"),
    "policy": _("Choice of the channel"),
    "priority": _("Priority"),
    "provider": _("Payment service"),
    "q": _("Search"),
    "queue_depth": _("Tasks waiting"),
    "queue_seconds": _("Seconds to wait for room"),
    "reason": _("Reason"),
    "reference": _("Reference"),
    "role": _("Role"),
    "rpm": _("Submits a minute"),
    "secret": _("Secret"),
    "since": _("From"),
    "state": _("State"),
    "status": _("Status"),
    "tenant": _("Tenant"),
    "test": _("Test"),
    "text": _("Text"),
    "title": _("Title"),
    "until": _("Until"),
    "week_budget": _("Budget of a week"),
    "weight": _("Weight"),
}
# Flags that lists are asked for: what the column is called, and what it says of such a row and of
# another.
FLAGS: dict[str, tuple[Any, Any, Any]] = {
    "is_active": (_("State"), _("Active"), _("Disabled")),
    "is_open": (_("State"), _("Not accepted"), _("Accepted")),
    "is_redeemed": (_("State"), _("Used"), _("Unused")),
}
WORDS: dict[str, Any] = {
    # Roles.
    "owner": _("Owner"),
    "admin": _("Admin"),
    "finance": _("Finance"),
    "developer": _("Developer"),
    "viewer": _("Viewer"),
    "operator": _("Operator"),
    "support": _("Support"),
    # Channels and keys.
    "enabled": _("Enabled"),
    "draining": _("Draining"),
    "disabled": _("Disabled"),
    "active": _("Active"),
    "expired": _("Expired"),
    "closed": _("Closed"),
    "open": pgettext_lazy("breaker", "Open"),
    "half_open": _("Trying again"),
    "midjourney_proxy": _("midjourney-proxy 2.x"),
    "trueai": _("trueai-org/midjourney-proxy"),
    "newapi": _("new-api family, or another MJ Relay"),
    "made": pgettext_lazy("event", "Made"),
    "changed": _("Changed"),
    "breaker_opened": _("Breaker opened"),
    "breaker_half_opened": _("Breaker tries again"),
    "breaker_closed": _("Breaker closed"),
    "rests": _("Rests"),
    "credential_off": _("Credential off"),
    "credential_on": _("Credential on"),
    "credential_made": _("Credential added"),
    "credential_changed": _("Credential changed"),
    "credential_deleted": _("Credential deleted"),
    "credential_works": _("Credential works again"),
    "sending": _("Being sent"),
    "accepted": _("Accepted"),
    "refused": _("Refused"),
    "unreachable": _("Not reached"),
    "unknown": _("Unknown"),
    "modal": _("Wants confirmation"),
    "ok": _("Yes"),
    "proxy": _("Through this site"),
    "origin": _("As the upstream gives them"),
    "priority": _("In the order of the site"),
    "cost": _("Cheapest first"),
    "stability": _("Most reliable first"),
    "fast": _("Fast"),
    "relax": _("Relax"),
    "turbo": _("Turbo"),
    # Tasks.
    "NOT_START": _("Not started"),
    "SUBMITTED": _("Submitted"),
    "MODAL": _("Waits for confirmation"),
    "IN_PROGRESS": _("In progress"),
    "SUCCESS": _("Success"),
    "FAILURE": _("Failure"),
    "CANCEL": _("Cancelled"),
    # Actions.
    "IMAGINE": _("Imagine"),
    "BLEND": _("Blend"),
    "DESCRIBE": _("Describe"),
    "SHORTEN": _("Shorten"),
    "UPSCALE": _("Upscale"),
    "UPSCALE_HD": _("Upscale HD"),
    "VARIATION": _("Variation"),
    "LOW_VARIATION": _("Variation, subtle"),
    "HIGH_VARIATION": _("Variation, strong"),
    "REROLL": _("Reroll"),
    "PAN": _("Pan"),
    "ZOOM": _("Zoom"),
    "CUSTOM_ZOOM": _("Custom zoom"),
    "INPAINT": _("Inpaint"),
    "EDITS": _("Edit"),
    "VIDEO": _("Video"),
    "UPLOAD": _("Upload"),
    "SWAP_FACE": _("Face swap"),
    # Names of prices.
    "mj_imagine": _("Imagine"),
    "mj_blend": _("Blend"),
    "mj_describe": _("Describe"),
    "mj_shorten": _("Shorten"),
    "mj_upscale": _("Upscale"),
    "mj_upscale_hd": _("Upscale HD"),
    "mj_variation": _("Variation"),
    "mj_low_variation": _("Variation, subtle"),
    "mj_high_variation": _("Variation, strong"),
    "mj_reroll": _("Reroll"),
    "mj_pan": _("Pan"),
    "mj_zoom": _("Zoom"),
    "mj_modal": _("Inpaint, custom zoom"),
    "mj_edits": _("Edit"),
    "mj_video": _("Video"),
    "mj_upload": _("Upload"),
    "swap_face": _("Face swap"),
    "test": _("Test"),
    "held_back": _("Held back"),
    "overtaken": _("Overtaken"),
    "MID_JOURNEY": _("Midjourney"),
    "NIJI_JOURNEY": _("Niji"),
    # Money and callbacks.
    "hold": _("Hold"),
    "capture": _("Capture"),
    "release": _("Release"),
    "refund": _("Refund"),
    "topup": _("Top-up"),
    "adjust": _("Correction"),
    "pending": _("Pending"),
    "paid": _("Paid"),
    "epay": "EPay",
    "stripe": "Stripe",
    "disputed": _("Disputed"),
    "delivered": _("Delivered"),
    "failed": _("Failed"),
    "given_up": _("Given up"),
    # Announcements and settings.
    "all": _("Everybody"),
    "groups": _("Groups"),
    "tenants": _("Tenants"),
    "info": _("Information"),
    "warning": _("Warning"),
    "danger": _("Danger"),
    # Second factors.
    "totp": _("One-time codes of an app"),
    "webauthn": _("Passkey"),
    "recovery_codes": _("Recovery codes"),
    # Who has done it.
    "person": _("Person"),
    "system": _("The system"),
    "command": _("Command"),
}


def name(word: str) -> Any:
    """The label of a field."""
    return NAMES.get(word) or word.replace("_", " ").capitalize()


def asked(word: str) -> Any:
    """The label of a list's filter."""
    return FLAGS[word][0] if word in FLAGS else name(word)


def answers(word: str) -> tuple[Any, Any]:
    """What a list's flag may be asked for: such rows, and others."""
    return FLAGS[word][1:] if word in FLAGS else (_("Yes"), _("No"))


def word(value: Any) -> Any:
    """How a word of a choice is shown."""
    return WORDS.get(str(value)) or str(value)
