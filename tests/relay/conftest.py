from collections.abc import Iterator

import pytest

from bench.seed import seed
from tests.faults.servers import own_database


@pytest.fixture(scope="module")
def past(database: str) -> Iterator[str]:
    """A database of its own with a past of some hundred tasks in every status: its URL."""
    with own_database(database) as url:
        seed(tasks=600, tenants=5, channels=3, live=12, modal_share=0.1, refund_share=0.1)
        yield url
