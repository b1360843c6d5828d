from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts import Account, open_account
from tests.faults.servers import own_database
from tests.stack import Stack


@pytest.fixture(scope="module")
def own_database_url(database: str) -> Iterator[str]:
    """A database that nobody but the test's own threads works on."""
    with own_database(database) as url:
        yield url


@pytest.fixture
def bystander(own_database_url: str, tmp_path: Path) -> Account:
    """A customer whose product is not running: what is called here, is called by the test."""
    return open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1))
