"""Keys: what they look like, what is kept of them, what makes two of them the same."""

import re

import pytest
from django.conf import LazySettings

from billing import tokens
from billing.errors import InvalidKey, TenantDisabled
from billing.models import Tenant, Token
from tests.accounts import Account

SECRET = "Ab3" * 16


@pytest.mark.parametrize(
    "key", [SECRET, f"sk-{SECRET}", f"hk-{SECRET}", f"s-{SECRET}", f"abc-{SECRET}"]
)
def test_the_prefix_of_a_key_does_not_count(key: str) -> None:
    assert tokens.digest(key) == tokens.digest(SECRET)


@pytest.mark.parametrize(
    "key",
    [
        SECRET.lower(),
        SECRET[:-1],
        SECRET + "x",
        f"four-{SECRET}",
        f"sk-sk-{SECRET}",
        f"sk_{SECRET}",
        f"sk {SECRET}",
        "",
        "sk-",
    ],
)
def test_another_key_is_another_key(key: str) -> None:
    assert tokens.digest(key) != tokens.digest(SECRET)


def test_a_digest_needs_the_sites_secret(settings: LazySettings) -> None:
    before = tokens.digest(SECRET)
    settings.KEY_HASH_SECRET = "another"
    assert tokens.digest(SECRET) != before
    assert len(before) == 32


def test_a_key_is_shown_once_and_kept_as_a_digest(bystander: Account) -> None:
    token, key = tokens.make(tenant=bystander.tenant, name="second")
    assert re.fullmatch(r"sk-[A-Za-z0-9]{48}", key)
    row = Token.objects.filter(pk=token.pk).values().get()
    assert bytes(row["digest"]) == tokens.digest(key)
    assert row["prefix"] == key[:11]
    assert key[11:] not in str(row)
    assert key != tokens.make(tenant=bystander.tenant, name="third")[1]


def test_a_caller_is_all_that_a_request_needs(bystander: Account) -> None:
    caller = tokens.authenticate(bystander.key)
    assert caller.token_id == bystander.token.pk
    assert caller.tenant_id == bystander.tenant.pk
    assert caller.group_name == bystander.tenant.name
    assert caller.budget is None
    assert caller.image_setting == "proxy"
    assert caller.is_authenticated


@pytest.mark.parametrize(
    "key", ["", "sk-", "sk-unknown", "\x00", "sk-\udc80".encode("utf-8", "replace").decode()]
)
def test_nobody_is_behind_a_wrong_key(bystander: Account, key: str) -> None:
    with pytest.raises(InvalidKey):
        tokens.authenticate(key)


def test_a_disabled_tenant_is_known_but_refused(bystander: Account) -> None:
    Tenant.objects.filter(pk=bystander.tenant.pk).update(is_active=False)
    with pytest.raises(TenantDisabled):
        tokens.authenticate(bystander.key)
    Token.objects.filter(pk=bystander.token.pk).update(is_active=False)
    with pytest.raises(InvalidKey):
        tokens.authenticate(bystander.key)
