"""The site's settings: what an operator sets wins over the environment, null goes back to it."""

import re
from typing import Any

from rest_framework import serializers

from common import ports, site
from common.models import SiteSetting
from relay.api.v1.fields import (
    MODES,
    Flag,
    Items,
    Money,
    Name,
    Network,
    Strict,
    Text,
    WebAddress,
)
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.roles import Right
from relay.operators import site_changes

SITE_NAME_MAX_CHARS = 60
# Of what is typed; what is none is told so by Currency itself.
CURRENCY_MAX_CHARS = 10
GROUP_MAX_CHARS = 64
MAILS_MAX = 50
PORTS_MAX = 200
PORTS_MAX_CHARS = 11
DOMAIN_MAX_CHARS = 253
WORDS_MAX_CHARS = 100_000
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_DOMAIN = re.compile(r"@?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]", re.ASCII)


class Currency(Text):
    default_error_messages = {"currency": 'this must be three letters, such as "USD"'}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not _CURRENCY.fullmatch(value):
            self.fail("currency")
        return value.upper()


class Ports(Text):
    """One port or a range of them."""

    default_error_messages = {"port": 'this must be a port or a range ("443", "8000-9000")'}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            return ports.shown(ports.read([value]))[0]
        except ValueError:
            self.fail("port")


class Domain(Text):
    default_error_messages = {"domain": 'this must be a domain such as "example.com"'}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data).lower()
        if not _DOMAIN.fullmatch(value):
            self.fail("domain")
        return value.lstrip("@")


def _may(**kwargs: Any) -> dict[str, Any]:
    """Of a field that need not be sent, and that null returns to the environment's value."""
    return {"required": False, "allow_null": True, **kwargs}


class SettingFields(Strict):
    """What is not sent stays as it is; null: as the environment says."""

    site_name = Name(**_may(max_length=SITE_NAME_MAX_CHARS))
    currency = Currency(
        **_may(
            max_length=CURRENCY_MAX_CHARS,
            help_text="Three letters. It stays as it is once there are entries in the ledger.",
        )
    )
    notice_hook = WebAddress(
        **_may(allow_blank=True, help_text="Gets the operators' notices, signed. Empty: none does.")
    )
    notice_mails = Items(
        child=serializers.EmailField(),
        most=MAILS_MAX,
        **_may(help_text="Get the operators' notices by mail."),
    )
    callback_networks = Items(
        child=Network(),
        **_may(help_text="Inner networks that callbacks may go to, on any port: 10.0.0.0/8."),
    )
    callback_ports = Items(
        child=Ports(max_length=PORTS_MAX_CHARS),
        most=PORTS_MAX,
        **_may(help_text='Ports that callbacks may go to elsewhere: "443", "8000-9000".'),
    )
    banned_words = Text(
        **_may(
            max_length=WORDS_MAX_CHARS,
            allow_blank=True,
            trim_whitespace=False,
            help_text="One word or phrase a line; # begins a comment. A prompt that has one is "
            "refused before any money moves. Those of BANNED_WORDS_FILE count besides.",
        )
    )
    default_mode = serializers.ChoiceField(
        choices=MODES, **_may(help_text="Of submits that say no mode.")
    )
    keep_results = Flag(**_may(help_text="Copy the pictures and videos of finished tasks."))
    sign_up = serializers.ChoiceField(
        choices=site.SIGN_UPS, **_may(help_text="Who may open a tenant of his own.")
    )
    sign_up_group = Name(**_may(max_length=GROUP_MAX_CHARS, help_text="Of tenants that sign up."))
    sign_up_balance = Money(**_may(help_text="What they begin with; an adjustment."))
    sign_up_domains = Items(
        child=Domain(max_length=DOMAIN_MAX_CHARS),
        **_may(help_text="Of the mail addresses that may sign up; none: any."),
    )


class SettingValues(SettingFields):
    """All of them."""


class SettingChange(Strict):
    name = serializers.ChoiceField(choices=list(site.SETTINGS))
    changed_by = serializers.CharField()
    changed_at = serializers.DateTimeField()


class SettingsOf(Strict):
    values = SettingValues(help_text="What counts now.")
    defaults = SettingValues(help_text="What counts of each that is not set here.")
    from_environment = serializers.ListField(
        child=serializers.ChoiceField(choices=list(site.SETTINGS)),
        help_text="Whose default the environment says; that of others is the product's own.",
    )
    changed = SettingChange(many=True, help_text="Those that are set here.")


class Settings(View):
    tag = "site"
    thing = "settings"
    site_only = True

    @operation(Right.SETTINGS, "Show the site's settings", answer=SettingsOf)
    def get(self, call: Call) -> dict[str, Any]:
        return _show()

    @operation(Right.SETTINGS, "Change the site's settings", body=SettingFields, answer=SettingsOf)
    def patch(self, call: Call) -> dict[str, Any]:
        site_changes.change({name: _plain(call.body[name]) for name in call.body}, actor=call.actor)
        return _show()


def _plain(value: Any) -> Any:
    """As JSON keeps it: lists without a name twice."""
    return list(dict.fromkeys(value)) if isinstance(value, list) else value


def _show() -> dict[str, Any]:
    changed = SiteSetting.objects.order_by("name")
    return {
        "values": _said(site.values()),
        "defaults": _said({name: site.default(name) for name in site.SETTINGS}),
        "from_environment": site.from_environment(),
        "changed": changed,
    }


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"callback_ports": ports.shown(values["callback_ports"])}
