from collections.abc import Iterator

import pytest

from tests.faults.servers import own_database


@pytest.fixture(scope="module")
def own_database_url(database: str) -> Iterator[str]:
    """One database for a module, without any worker of another stack on it."""
    with own_database(database) as url:
        yield url
