"""All secrets are changed at once, while a drawing is under way whose upstream was cut off before
it could name it."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from tests.accounts import Account, open_account
from tests.faults.place import PROCESSES, Place, open_place
from tests.operation.commands import manage
from tests.stack import wait_until

OLD = {"SECRET_KEY": "s" * 40, "KEY_HASH_SECRET": "k" * 40, "ENCRYPTION_SECRETS": "e" * 40}
BOTH = {
    "SECRET_KEY": "S" * 40,
    "SECRET_KEY_FALLBACKS": "s" * 40,
    "KEY_HASH_SECRET": "K" * 40,
    "KEY_HASH_OLD_SECRETS": "k" * 40,
    "ENCRYPTION_SECRETS": f"{'E' * 40},{'e' * 40}",
}
NEW = {"SECRET_KEY": "S" * 40, "KEY_HASH_SECRET": "K" * 40, "ENCRYPTION_SECRETS": "E" * 40}
GONE = {"SECRET_KEY_FALLBACKS": "", "KEY_HASH_OLD_SECRETS": ""}


@pytest.fixture
def place(own_database_url: str, tmp_path: Path) -> Iterator[Place]:
    ours = settings.KEY_HASH_SECRET, settings.ENCRYPTION_SECRETS
    settings.KEY_HASH_SECRET, settings.ENCRYPTION_SECRETS = "k" * 40, ["e" * 40]
    with open_place(tmp_path, own_database_url, **OLD) as place:
        yield place
    settings.KEY_HASH_SECRET, settings.ENCRYPTION_SECRETS = ours


def restart(place: Place, env: dict[str, str]) -> None:
    place.stack.env |= env
    place.stack.start(*PROCESSES)


def picture(account: Account, link: str) -> int:
    address = urlsplit(link)._replace(scheme="", netloc="").geturl()
    return account.request("GET", address).status_code


def test_nothing_is_lost_with_the_secrets_of_before(place: Place) -> None:
    account = open_account(place.stack)
    account.give_secret("open sesame")
    link = account.finish(account.draw("before"))["imageUrl"]
    assert picture(account, link) == 200
    # It will be found by our word for it alone, and nobody looks for it yet.
    place.stack.stop("worker", "beat")
    cut = account.last_task.pk
    assert account.imagine("zzcut").status_code == 200
    assert account.last_task.pk != cut
    cut = account.last_task.pk
    assert not account.last_task.upstream_id
    place.stack.stop("web")

    restart(place, BOTH)
    assert account.finish(str(cut))["status"] == "SUCCESS"
    assert picture(account, link) == 200
    hook = place.stack.inbox_url(account.tenant.name)
    told = account.draw("after", notifyHook=hook)
    assert account.finish(told)["status"] == "SUCCESS"
    wait_until(lambda: account.callback(told).state == "delivered")
    rotated = manage(place.stack.env, "rotate_secrets")
    assert rotated.returncode == 0, rotated.stdout

    place.stack.stop(*PROCESSES)
    restart(place, NEW | GONE)
    assert account.finish(account.draw("later"))["status"] == "SUCCESS"
    assert picture(account, link) == 403, "it was signed under the old secret"
