from collections.abc import Iterator

import pytest

from tests.faults.servers import own_database


@pytest.fixture(scope="module")
def own_database_url(database: str) -> Iterator[str]:
    """A database that nobody works on but the module's own threads and processes."""
    with own_database(database) as url:
        yield url
