"""Secrets at rest."""

import pytest
from cryptography.fernet import InvalidToken
from django.conf import LazySettings
from django.db import connection

from billing.models import Tenant
from channels.models import Credential
from common import vault
from tests.accounts import Account


def test_a_secret_comes_back_and_looks_different_each_time() -> None:
    sealed = vault.encrypt("open sesame 🗝")
    assert "sesame" not in sealed
    assert vault.decrypt(sealed) == "open sesame 🗝"
    assert vault.encrypt("open sesame 🗝") != sealed


def test_another_site_cannot_read_it(settings: LazySettings) -> None:
    settings.ENCRYPTION_SECRETS = ["one"]
    sealed = vault.encrypt("open sesame")
    settings.ENCRYPTION_SECRETS = ["two"]
    with pytest.raises(InvalidToken):
        vault.decrypt(sealed)


def test_an_old_secret_reads_while_the_new_one_writes(settings: LazySettings) -> None:
    settings.ENCRYPTION_SECRETS = ["old"]
    sealed = vault.encrypt("open sesame")
    settings.ENCRYPTION_SECRETS = ["new", "old"]
    assert vault.decrypt(sealed) == "open sesame"
    sealed = vault.encrypt("open sesame")
    settings.ENCRYPTION_SECRETS = ["new"]
    assert vault.decrypt(sealed) == "open sesame"


def column(table: str, name: str, row: int) -> str:
    """What the database has, as somebody with a copy of it sees it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {table} WHERE id = %s", [row])
        return str(cursor.fetchone()[0])


def credential(account: Account, secret: str) -> Credential:
    return Credential.objects.create(channel=account.channel, name="main", secret=secret)


def test_the_database_holds_no_secret_in_clear(bystander: Account) -> None:
    row = credential(bystander, "open sesame")
    assert Credential.objects.get(pk=row.pk).secret == "open sesame"
    assert "sesame" not in column("channels_credential", "secret", row.pk)
    secret = Tenant.objects.get(pk=bystander.tenant.pk).webhook_secret
    assert secret.startswith("whsec_")
    assert secret not in column("billing_tenant", "webhook_secret", bystander.tenant.pk)


def test_no_secret_is_no_secret(bystander: Account) -> None:
    row = credential(bystander, "")
    assert column("channels_credential", "secret", row.pk) == ""
    assert Credential.objects.get(pk=row.pk).secret == ""
