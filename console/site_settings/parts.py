"""The site's settings as the page has them: in parts that belong together, each with a form."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from common import site
from console.forms import ApiForm, form_of
from relay.api.v1 import site_settings

DEFAULT = _("Empty: the default.")


@dataclass(frozen=True)
class Part:
    name: str
    label: Any
    text: Any
    fields: tuple[str, ...]


PARTS = {
    part.name: part
    for part in (
        Part("site", _("Site"), "", ("site_name", "currency", "default_mode", "keep_results")),
        Part(
            "sign-up",
            _("Sign-up"),
            _("Who may open a tenant of his own, and what it begins with."),
            ("sign_up", "sign_up_group", "sign_up_balance", "sign_up_domains"),
        ),
        Part(
            "notices",
            _("Operators' notices"),
            _("Who is told of what the site's people have to know."),
            ("notice_mails", "notice_hook"),
        ),
        Part(
            "callbacks",
            _("Callbacks"),
            _("They go to public addresses on some ports, and to inner networks on any port."),
            ("callback_networks", "callback_ports"),
        ),
        Part(
            "words",
            _("Banned words"),
            _("A prompt that has one is refused before any money moves."),
            ("banned_words",),
        ),
    )
}
LABELS = {
    "site_name": _("Name of the site"),
    "currency": _("Currency"),
    "default_mode": _("Mode when none is asked for"),
    "keep_results": _("Keep pictures"),
    "sign_up": _("Who may sign up"),
    "sign_up_group": _("Group of new tenants"),
    "sign_up_balance": _("Balance of new tenants"),
    "sign_up_domains": _("Domains of mail addresses"),
    "notice_mails": _("Mail addresses"),
    "notice_hook": _("Address for signed messages"),
    "callback_networks": _("Inner networks"),
    "callback_ports": _("Ports of public addresses"),
    "banned_words": _("Words"),
}
SIGN_UPS = {
    site.CLOSED: _("Nobody"),
    site.INVITATION: _("Who is invited"),
    site.OPEN: _("Everybody"),
}
HELP = {
    "site_name": DEFAULT,
    "currency": _(
        "Three letters. It stays as it is once there are entries in the ledger. Empty: the default."
    ),
    "default_mode": _("Of submits that say no mode."),
    "keep_results": _("Copy the pictures and videos of finished tasks to our own storage."),
    "sign_up_group": DEFAULT,
    "sign_up_balance": DEFAULT,
    "sign_up_domains": _("One a line. None: any address may sign up."),
    "notice_mails": _("One a line."),
    "notice_hook": _("Gets the notices as signed messages. Empty: none does."),
    "callback_networks": _("One a line, as 10.0.0.0/8. They may be called on any port."),
    "callback_ports": _('One port or range a line: "443", "8000-9000".'),
    "banned_words": _(
        "One word or phrase a line; # begins a comment. Those of BANNED_WORDS_FILE count besides."
    ),
}


class _Settings(ApiForm):
    @property
    def body(self) -> dict[str, Any]:
        """An empty text is a value where the setting may be empty; null is "the default"."""
        known = self.body_kind().fields
        return {
            name: "" if value is None and getattr(known[name], "allow_blank", False) else value
            for name, value in super().body.items()
        }


def form_kind(part: Part) -> type[ApiForm]:
    changes = {
        name: {"label": LABELS[name]} | ({"help_text": HELP[name]} if name in HELP else {})
        for name in part.fields
    }
    made = form_of(site_settings.Settings, "patch", part.fields, **changes)
    fields: Any = made.base_fields
    if "default_mode" in fields:
        asked = fields["default_mode"].choices
        fields["default_mode"].choices = [choice for choice in asked if choice[0]]
    if "sign_up" in fields:
        fields["sign_up"].choices = list(SIGN_UPS.items())
    return type("SettingsForm", (_Settings, made), {})
