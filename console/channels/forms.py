"""What is asked about a channel."""

from typing import Any

from django.forms import TextInput
from django.utils.translation import gettext_lazy as _

from console.forms import ApiForm, form_of
from relay.api.v1 import channel_actions, channels, credentials
from relay.api.v1.channels import URL_MAX_CHARS

# Asked first; then how much it gets; the rest stands behind "More".
MAIN = ("name", "kind", "base_url")
USE = ("priority", "weight", "concurrency", "rpm", "queue_depth")
MORE = ("groups", "actions", "modes", "pass_filters", "is_test")
# Those that the list of channels changes in place.
IN_PLACE = ("priority", "weight")
NO_LIMIT = _("Empty: no limit.")
CHANGES: dict[str, dict[str, Any]] = {
    "kind": {
        "help_text": _("Which program answers there; it decides how tasks are sent and followed."),
    },
    "base_url": {
        "widget": TextInput(attrs={"inputmode": "url", "spellcheck": "false",
                                   "placeholder": "https://", "maxlength": URL_MAX_CHARS}),
        "help_text": _("Without the /mj part: https://upstream.example. Its credentials are sent "
                       "there."),
    },
    "priority": {"help_text": _("The highest is asked first.")},
    "weight": {"help_text": _("Share of the work among channels of equal priority.")},
    "concurrency": {"help_text": NO_LIMIT},
    "rpm": {"help_text": NO_LIMIT},
    "queue_depth": {"help_text": _("Tasks that wait to be begun there. Empty: no limit.")},
    "groups": {"help_text": _("Whose tasks it draws, one group a line. Empty: everybody's.")},
    "actions": {"help_text": _("None chosen: every action.")},
    "modes": {"help_text": _("None chosen: every mode.")},
    "pass_filters": {
        "label": _("Pass the tenant's account filter on"),
        "help_text": _("The upstream learns which instance, remark and remix the tenant asks for."),
    },
    "is_test": {
        "label": _("Only for test keys"),
        "help_text": _("Such a channel draws for test keys, and for nobody else."),
    },
}  # fmt: skip
# Of a new one.
STARTS: dict[str, dict[str, Any]] = {
    "priority": {**CHANGES["priority"], "initial": 0},
    "weight": {**CHANGES["weight"], "initial": 1},
    "secret": {
        "label": _("Secret of its first credential"),
        "help_text": _("What the upstream asks for: its mj-api-secret, or the key that it gave "
                       "you. It is never shown again. Empty: it asks for none."),
    },
}  # fmt: skip

NewChannel = form_of(
    channels.Channels, "post", [*MAIN, "secret", *USE, *MORE], **(CHANGES | STARTS)
)
ChangedChannel = form_of(channels.OneChannel, "patch", [*MAIN, *USE, *MORE], **CHANGES)
Copy = form_of(
    channel_actions.Cloning,
    "post",
    ["name", "with_credentials"],
    name={"label": _("Name of the copy")},
    with_credentials={"label": _("Copy its credentials too"), "help_text": ""},
)
SECRET_HELP = _("It is sent to the upstream, and never shown again.")
NewCredential = form_of(
    credentials.Credentials,
    "post",
    ["name", "secret"],
    secret={"help_text": SECRET_HELP},
)
ChangedCredential = form_of(
    credentials.OneCredential,
    "patch",
    ["name", "secret"],
    secret={
        "label": _("New secret"),
        "help_text": _("Empty: the one that it has stays. It is never shown."),
    },
)
_fields = {name: form_of(channels.OneChannel, "patch", [name]) for name in IN_PLACE}


def in_place(field: str) -> type[ApiForm] | None:
    """The form of one field of a channel; None for one that is not changed so."""
    return _fields.get(field)
