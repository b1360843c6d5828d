"""The site's settings that an operator changes while the site runs: what is stored wins over the
environment, and `None` goes back to it.

Each process keeps what it has read for as long as the generation of "settings" stays the same, so
a change counts everywhere from the next question on. A generation is never used twice, not even
when the transaction that raised it is rolled back.
"""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from common import money, ports, sql
from common.models import SiteSetting

CLOSED, INVITATION, OPEN = SIGN_UPS = ("closed", "invitation", "open")


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Setting:
    """`env`: the variable of the environment, and the setting of Django that has read it; empty
    where there is none.
    `from_env` and `from_store` make of each what `value` gives."""

    env: str
    from_env: Callable[[Any], Any] = _same
    from_store: Callable[[Any], Any] = _same


SETTINGS = {
    "site_name": Setting("SITE_NAME"),
    # In capitals.
    "currency": Setting("CURRENCY"),
    "notice_hook": Setting("OPERATOR_NOTICE_HOOK"),
    "notice_mails": Setting("OPERATOR_MAILS"),
    "callback_networks": Setting("CALLBACK_ALLOWED_NETWORKS"),
    # Numbers; stored as texts such as "8000-9000".
    "callback_ports": Setting("CALLBACK_PORTS", from_store=ports.read),
    # Besides those in BANNED_WORDS_FILE, in the same form.
    "banned_words": Setting("", from_env=lambda _: ""),
    "default_mode": Setting("DEFAULT_MODE"),
    "keep_results": Setting("KEEP_RESULTS"),
    # One of SIGN_UPS.
    "sign_up": Setting("SIGN_UP"),
    "sign_up_group": Setting("SIGN_UP_GROUP"),
    # Micro-units.
    "sign_up_balance": Setting("SIGN_UP_BALANCE", from_env=money.to_micro),
    # Domains of mail addresses; empty: any.
    "sign_up_domains": Setting("SIGN_UP_DOMAINS"),
}


class _Known(NamedTuple):
    generation: int
    stored: Mapping[str, Any]


_known = _Known(generation=-1, stored={})
_lock = Lock()

_GENERATION = "SELECT value FROM common_generation WHERE name = 'settings'"


def value(name: str, *, generation: int | None = None) -> Any:
    """What counts now. `generation` is the caller's (billing/tokens.py); who has none asks the
    database for it. Raises KeyError for a name that is none of SETTINGS."""
    setting = SETTINGS[name]
    stored = _stored(generation)
    return setting.from_store(stored[name]) if name in stored else default(name)


def values(names: Collection[str] = tuple(SETTINGS)) -> dict[str, Any]:
    """What counts now, of these SETTINGS at one moment."""
    generation = sql.fetch_one(_GENERATION).value
    return {name: value(name, generation=generation) for name in names}


def default(name: str) -> Any:
    """What counts as long as nothing is stored: the environment's, or else the product's own."""
    setting = SETTINGS[name]
    return setting.from_env(getattr(settings, setting.env) if setting.env else None)


def from_environment() -> list[str]:
    """Those whose default somebody has set in the environment."""
    return [name for name, setting in SETTINGS.items() if setting.env in os.environ]


@transaction.atomic
def change(fields: Mapping[str, Any], *, actor: str) -> None:
    """Stores these as JSON; None forgets what is stored. The fields have been checked."""
    for name, new in sorted(fields.items()):
        if name not in SETTINGS:
            raise KeyError(name)
        if new is None:
            SiteSetting.objects.filter(pk=name).delete()
        else:
            told = {"value": new, "changed_by": actor, "changed_at": Now()}
            SiteSetting.objects.update_or_create(pk=name, defaults=told)


def _stored(generation: int | None) -> Mapping[str, Any]:
    global _known
    if generation is None:
        generation = sql.fetch_one(_GENERATION).value
    known = _known
    if known.generation != generation:
        with _lock:
            known = _known
            if known.generation != generation:
                _known = known = _Known(generation, _read())
    return known.stored


def _read() -> dict[str, Any]:
    return dict(SiteSetting.objects.values_list("name", "value"))
