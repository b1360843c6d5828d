from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import transaction

from tests import kept
from tests.console.town import Town


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """People sign in all the time."""
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 5000)


@pytest.fixture(scope="module")
def town(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """For tests that take back what they do in it (taken_back)."""
    del database
    with transaction.atomic():
        yield Town(tmp_path_factory.mktemp("town"))
        transaction.set_rollback(True)
    kept.forget()
