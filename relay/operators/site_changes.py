"""What has to fit before one of the site's settings is changed."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError, storages
from django.db import transaction

from billing.models import Entry, Group
from billing.providers import PROVIDERS
from billing.providers.base import rates
from common import site, sql
from relay.errors import Conflict, InvalidRequest
from relay.pictures.results import STORAGE

HAS_ENTRIES = "currency: there are entries in the ledger, and their amounts are in this currency"
# Whoever writes an entry waits until we have committed, and we for those who are at it.
_NO_NEW_ENTRIES = "LOCK TABLE billing_entry IN SHARE MODE"


@transaction.atomic
def change(fields: Mapping[str, Any], *, actor: str) -> None:
    """Stores what has been checked by itself; None goes back to the environment's. Raises
    InvalidRequest for what cannot work here, Conflict for another currency once there is money."""
    for name, check in _CHECKS.items():
        if name in fields:
            check(site.default(name) if fields[name] is None else fields[name])
    site.change(fields, actor=actor)


def _currency(new: str) -> None:
    if new.upper() == str(site.value("currency")).upper():
        return
    if not Entry.objects.exists():
        sql.execute(_NO_NEW_ENTRIES)
    if Entry.objects.exists():
        raise Conflict(HAS_ENTRIES)
    for provider in PROVIDERS.values():
        own = provider.own_currency
        if provider.is_on and own and own not in (new.upper(), *rates()):
            raise InvalidRequest(
                f"currency: {provider.name} is paid in {own}, which TOPUP_RATES does not have"
            )


def _notice_hook(new: str) -> None:
    if new and not settings.OPERATOR_WEBHOOK_SECRET:
        raise InvalidRequest(
            "notice_hook: OPERATOR_WEBHOOK_SECRET is not set, so it would go unsigned"
        )


def _notice_mails(new: list[str]) -> None:
    if new and not settings.EMAIL_URL:
        raise InvalidRequest("notice_mails: EMAIL_URL is not set, so no mail can be sent")


def _keep_results(new: bool) -> None:
    if not new:
        return
    try:
        storages[STORAGE]
    except (InvalidStorageError, ImproperlyConfigured, TypeError) as error:
        raise InvalidRequest(f"keep_results: the storage cannot be used: {error}") from error


def _sign_up_group(new: str) -> None:
    if new != site.default("sign_up_group") and not Group.objects.filter(name=new).exists():
        raise InvalidRequest("sign_up_group: there is no such group")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "currency": _currency,
    "notice_hook": _notice_hook,
    "notice_mails": _notice_mails,
    "keep_results": _keep_results,
    "sign_up_group": _sign_up_group,
}
