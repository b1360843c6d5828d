from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts import Account, open_account
from tests.stack import Stack


@pytest.fixture
def bystander(own_database_url: str, tmp_path: Path) -> Account:
    """A customer whose product is not running: what is called here, is called by the test."""
    return open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1))


@pytest.fixture(scope="module")
def two_webs(
    stack: Stack, stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Two more web processes on one port; the rest is everybody's."""
    folder = tmp_path_factory.mktemp("two-webs")
    web = Stack(folder=folder, env=stack_env, drawing_seconds=0.4, web_workers=2)
    web.sandbox_url = stack.sandbox_url
    web.start("web")
    assert web.log("web").count("Booting worker") == 2
    yield web
    web.kill("web")
