"""A new secret for what is encrypted in the database: all is sealed anew, and nothing is lost."""

import io
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection

from billing.models import Tenant
from channels import states
from channels.models import Channel, Credential
from common import rotation, vault
from tests.accounts import Account

OLD, NEW = "the old secret", "the new secret"


@pytest.fixture
def sealed(bystander: Account, settings: LazySettings) -> Callable[[], list[str]]:
    """A tenant's webhook secret and a channel's credential, under the old secret: how they stand
    in the database."""
    usual = list(settings.ENCRYPTION_SECRETS)
    settings.ENCRYPTION_SECRETS = [OLD, *usual]
    channel = Channel(name="rotated", kind="trueai", base_url="https://upstream.example")
    states.make(channel, secret="open sesame", actor="test")
    bystander.tenant.webhook_secret = "whsec_1234"
    bystander.tenant.save()

    def stored() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT secret FROM channels_credential WHERE channel_id = %s"
                " UNION ALL SELECT webhook_secret FROM billing_tenant WHERE id = %s",
                [channel.pk, bystander.tenant.pk],
            )
            return [row[0] for row in cursor.fetchall()]

    settings.ENCRYPTION_SECRETS = [NEW, OLD, *usual]
    return stored


def rotate() -> str:
    out = io.StringIO()
    call_command("rotate_secrets", stdout=out)
    return out.getvalue()


def readable(bystander: Account) -> tuple[str, str]:
    credential = Credential.objects.get(channel__name="rotated")
    return credential.secret, Tenant.objects.get(pk=bystander.tenant.pk).webhook_secret


def test_every_encrypted_column_of_every_model_is_known() -> None:
    found = {str(column) for column in rotation.columns()}
    assert {"channels_credential.secret", "billing_tenant.webhook_secret"} <= found
    assert "billing_tenant.old_webhook_secret" in found


def test_everything_is_sealed_anew_and_the_old_secret_may_go(
    sealed: Callable[[], list[str]], bystander: Account, settings: LazySettings
) -> None:
    before = sealed()
    said = rotate()
    assert not set(before) & set(sealed())
    settings.ENCRYPTION_SECRETS = [NEW]
    assert readable(bystander) == ("open sesame", "whsec_1234")
    assert "channels_credential.secret: " in said
    assert "sesame" not in said


def test_a_second_run_finds_nothing_to_do(sealed: Callable[[], list[str]]) -> None:
    rotate()
    once = sealed()
    said = rotate()
    assert sealed() == once
    assert all(": 0 encrypted anew" in line for line in said.splitlines())


def test_what_none_of_our_secrets_opens_is_said_and_left_alone(
    sealed: Callable[[], list[str]], settings: LazySettings
) -> None:
    before = sealed()
    settings.ENCRYPTION_SECRETS = [NEW]
    with pytest.raises(CommandError, match="none of ENCRYPTION_SECRETS opens") as refusal:
        rotate()
    assert "of channels_credential.secret (rows " in str(refusal.value)
    assert sealed() == before


def test_a_secret_that_is_changed_meanwhile_stays(
    sealed: Callable[[], list[str]], bystander: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the write."""
    seal_anew = vault.seal_anew

    def slowly(text: str) -> str | None:
        fresh = Credential.objects.get(channel__name="rotated")
        fresh.secret = "changed"
        fresh.save()
        return seal_anew(text)

    monkeypatch.setattr(vault, "seal_anew", slowly)
    rotate()
    assert readable(bystander) == ("changed", "whsec_1234")


def test_many_rows_are_taken_in_batches(
    sealed: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 3)
    channel = Channel.objects.get(name="rotated")
    for number in range(8):
        Credential.objects.create(channel=channel, name=f"{number}", secret="")
        Credential.objects.create(channel=channel, name=f"{number}.", secret=f"secret {number}")
    column = next(c for c in rotation.columns() if str(c) == "channels_credential.secret")
    count = rotation.rotate(column)
    assert (count.newest_already >= 8, count.lost) == (True, [])
