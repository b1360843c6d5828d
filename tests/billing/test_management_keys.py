"""Management keys: made from the command line, and nothing else than what they say."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from billing import management_keys, tokens
from billing.errors import InvalidKey
from billing.models import ManagementKey
from tests.accounts import Account


def made(*arguments: str) -> str:
    out = StringIO()
    call_command("add_management_key", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_first_key_of_the_site_comes_from_the_command_line(bystander: Account) -> None:
    key = made("ann", "--role", "operator")
    assert key.startswith("mk-")
    assert len(key) == len("mk-") + 48
    manager = management_keys.authenticate(key)
    assert (manager.role, manager.tenant_id) == ("operator", None)
    assert manager.actor == f"ann ({key[:11]})"
    row = ManagementKey.objects.get(pk=manager.key_id)
    assert key[3:].encode() not in bytes(row.digest)


def test_a_tenant_s_key_comes_from_the_command_line_too(bystander: Account) -> None:
    key = made("robot", "--role", "finance", "--tenant", bystander.tenant.name)
    assert management_keys.authenticate(key).tenant_id == bystander.tenant.pk


@pytest.mark.parametrize(
    "arguments",
    [
        ("x", "--role", "owner"),
        ("x", "--role", "emperor"),
        ("x", "--role", "operator", "--tenant", "nobody"),
    ],
)
def test_a_key_that_cannot_be_is_not_made(bystander: Account, arguments: tuple[str, ...]) -> None:
    before = ManagementKey.objects.count()
    with pytest.raises(CommandError):
        made(*arguments)
    assert ManagementKey.objects.count() == before


def test_the_database_refuses_a_role_of_the_other_side(bystander: Account) -> None:
    for tenant, role in ((None, "owner"), (bystander.tenant, "operator")):
        with pytest.raises(IntegrityError, match="role_of_its_side"), transaction.atomic():
            management_keys.make(tenant=tenant, name="x", role=role)


@pytest.mark.parametrize("key", ["", "mk-", "sk-x", "mk-" + "x" * 48, "mk-\x00", "mk-" + "é" * 48])
def test_what_is_no_management_key_opens_nothing(bystander: Account, key: str) -> None:
    with pytest.raises(InvalidKey):
        management_keys.authenticate(key)


def test_the_same_secret_is_another_key_elsewhere(bystander: Account) -> None:
    secret = "x" * 48
    assert management_keys.digest(f"mk-{secret}") != tokens.digest(f"sk-{secret}")
