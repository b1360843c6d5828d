"""Any test with its product behind a PgBouncer: `pytest -p tests.scale.pooled tests/api …`.

What the test itself asks the database does not go through it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _pooled(django_db_setup: None) -> Iterator[None]:
    """The poolers are gone before their databases are dropped."""
    # This module is loaded before Django is set up.
    from tests.scale.pooler import OwnPooler
    from tests.stack import Stack

    usual = Stack.__init__
    poolers: dict[str, OwnPooler] = {}

    def behind_it(self: Stack, *, env: Mapping[str, str], **kwargs: Any) -> None:
        url = env.get("DATABASE_URL", "")
        if url and url not in poolers:
            poolers[url] = OwnPooler(url)
            poolers[url].start()
        usual(self, env=dict(env) | (poolers[url].settings if url else {}), **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stack, "__init__", behind_it)
        yield
    for made in poolers.values():
        made.remove()
