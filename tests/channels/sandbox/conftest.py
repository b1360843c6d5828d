from collections.abc import Iterator
from typing import Any

import pytest

from .running import DRAWING_SECONDS, HANG_SECONDS, SECRET, NewApi, Sandbox, TrueAi, start, stop


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    sandbox = start(
        secret=SECRET["mj-api-secret"],
        drawing_seconds=DRAWING_SECONDS,
        workers=50,
        queue_size=50,
        hang_seconds=HANG_SECONDS,
    )
    yield sandbox
    stop(sandbox)


@pytest.fixture(scope="module")
def switches(shared: Sandbox) -> dict[str, Any]:
    """Where all stand at the start."""
    return dict(shared.helper("control", {}))


@pytest.fixture
def sandbox(shared: Sandbox, switches: dict[str, Any]) -> Iterator[Sandbox]:
    yield shared
    shared.helper("control", switches)


@pytest.fixture
def trueai(sandbox: Sandbox) -> TrueAi:
    return TrueAi(sandbox.process, sandbox.address)


@pytest.fixture
def newapi(sandbox: Sandbox) -> NewApi:
    return NewApi(sandbox.process, sandbox.address)


@pytest.fixture
def narrow() -> Iterator[Sandbox]:
    """One worker, two places to wait, drawings that do not end by themselves."""
    sandbox = start(drawing_seconds=600, workers=1, queue_size=2)
    yield sandbox
    stop(sandbox)


@pytest.fixture(scope="module")
def grid(shared: Sandbox) -> dict[str, Any]:
    """A picture of midjourney-proxy that follow-ups can begin at."""
    return shared.drawn("a grid to change")


@pytest.fixture(scope="module")
def trueai_shared(shared: Sandbox) -> TrueAi:
    return TrueAi(shared.process, shared.address)


@pytest.fixture(scope="module")
def parent(trueai_shared: TrueAi) -> dict[str, Any]:
    """The same of trueai."""
    return trueai_shared.drawn("a grid to act on")


@pytest.fixture(scope="module")
def newapi_shared(shared: Sandbox) -> NewApi:
    return NewApi(shared.process, shared.address)


@pytest.fixture(scope="module")
def drawing(newapi_shared: NewApi) -> dict[str, Any]:
    """The same of new-api."""
    return newapi_shared.drawn("a grid", state="s")
