from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.servers import own_copy
from tests.weeks.past import KEEP, long_past, taken_back


@pytest.fixture(scope="module")
def seeded(database: str) -> Iterator[None]:
    with long_past(database):
        yield


@pytest.fixture
def kept_days(seeded: None, settings: Any) -> None:
    """Of sixty days twenty are kept of tasks, and thirty of entries."""
    for name, days in KEEP.items():
        setattr(settings, name, days)


@pytest.fixture
def past(kept_days: None) -> Iterator[None]:
    """For one test, which leaves no trace."""
    with taken_back():
        yield


@pytest.fixture
def own_past(kept_days: None) -> Iterator[str]:
    """The same for several connections: the database's URL."""
    with own_copy() as url:
        yield url
