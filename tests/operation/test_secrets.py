"""Each secret can be changed while everybody works: what was made under the one before is good
until it is taken out, and what may not be lost is not."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.sessions.backends.db import SessionStore
from django.core import signing as django_signing

from billing import codes, invitations, management_keys, tokens
from billing.errors import CodeRefused, InvalidKey, InvitationRefused
from billing.models import Role, Token
from relay import signing
from tests.accounts import Account

OLD, NEW = "o" * 40, "n" * 40
TASK = 1795218527890011


@pytest.fixture
def under_old(settings: LazySettings) -> None:
    settings.KEY_HASH_SECRET, settings.KEY_HASH_OLD_SECRETS = OLD, []


def change(settings: LazySettings, *, keep: bool = True) -> None:
    settings.KEY_HASH_SECRET = NEW
    settings.KEY_HASH_OLD_SECRETS = [OLD] if keep else []


@pytest.mark.usefixtures("under_old")
def test_a_key_goes_on_and_stands_under_the_new_secret_from_its_next_use_on(
    bystander: Account, settings: LazySettings
) -> None:
    token, key = tokens.make(tenant=bystander.tenant, name="old")
    change(settings)
    assert tokens.authenticate(key).token_id == token.pk
    assert bytes(Token.objects.get(pk=token.pk).digest) == tokens.digest(key)
    # Now the old secret may go.
    change(settings, keep=False)
    assert tokens.authenticate(key).token_id == token.pk


@pytest.mark.usefixtures("under_old")
def test_so_does_one_that_was_replaced_a_short_while_ago(
    bystander: Account, settings: LazySettings
) -> None:
    token, first = tokens.make(tenant=bystander.tenant, name="old")
    second = tokens.rotate(token, overlap=timedelta(hours=1))
    change(settings)
    for key in (first, second):
        assert tokens.authenticate(key).token_id == token.pk
    change(settings, keep=False)
    for key in (first, second):
        assert tokens.authenticate(key).token_id == token.pk


@pytest.mark.usefixtures("under_old")
def test_a_key_that_was_not_used_meanwhile_is_lost_with_the_old_secret(
    bystander: Account, settings: LazySettings
) -> None:
    _, key = tokens.make(tenant=bystander.tenant, name="old")
    change(settings, keep=False)
    with pytest.raises(InvalidKey):
        tokens.authenticate(key)


@pytest.mark.usefixtures("under_old")
def test_a_wrong_or_a_disabled_key_stays_wrong(bystander: Account, settings: LazySettings) -> None:
    token, key = tokens.make(tenant=bystander.tenant, name="old")
    Token.objects.filter(pk=token.pk).update(is_active=False)
    change(settings)
    for wrong in (key, key[:-1], "sk-" + "x" * 48, ""):
        with pytest.raises(InvalidKey):
            tokens.authenticate(wrong)


@pytest.mark.usefixtures("under_old")
def test_management_keys_go_on(bystander: Account, settings: LazySettings) -> None:
    row, key = management_keys.make(tenant=bystander.tenant, name="old", role=Role.OWNER)
    change(settings)
    assert management_keys.authenticate(key).key_id == row.pk
    change(settings, keep=False)
    assert management_keys.authenticate(key).key_id == row.pk
    with pytest.raises(InvalidKey):
        management_keys.authenticate("mk-" + "x" * 48)


@pytest.mark.usefixtures("under_old")
def test_codes_are_worth_what_they_were_once(bystander: Account, settings: LazySettings) -> None:
    _, (code,) = codes.make(name="sold", count=1, amount=5_000_000, expires_at=None, actor="test")
    change(settings)
    assert codes.redeem(code, tenant=bystander.tenant, actor="test") == 5_000_000
    with pytest.raises(CodeRefused, match="already"):
        codes.redeem(code, tenant=bystander.tenant, actor="test")


@pytest.mark.usefixtures("under_old")
def test_invitations_can_be_accepted(bystander: Account, settings: LazySettings) -> None:
    _, link = invitations.invite(
        tenant=bystander.tenant,
        email="new@relay.example",
        role=Role.VIEWER,
        actor="test",
        by_site=True,
    )
    token = link.rstrip("/").rpartition("/")[2]
    change(settings)
    assert invitations.find(token).email == "new@relay.example"
    change(settings, keep=False)
    assert invitations.find(token).email == "new@relay.example"
    with pytest.raises(InvitationRefused):
        invitations.find("x" * 40)


def test_links_hints_and_correlations_of_before_are_ours(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    link, hint = signing.sign("image", TASK), signing.hint_url(TASK).rpartition("/")[2]
    word = signing.correlation(TASK)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert signing.is_signed("image", TASK, link)
    assert signing.hinted_task(hint) == TASK
    assert word in signing.correlations(TASK)
    assert signing.correlations(TASK)[0] == signing.correlation(TASK) != word
    settings.SECRET_KEY_FALLBACKS = []
    assert not signing.is_signed("image", TASK, link)
    assert signing.hinted_task(hint) is None


def test_django_signs_with_the_new_one_and_believes_the_old_one(
    database: str, settings: LazySettings
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    signed = django_signing.dumps("a word")
    store = SessionStore()
    session = store.encode({"a": "word"})
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert django_signing.loads(signed) == "a word"
    assert SessionStore().decode(session) == {"a": "word"}
