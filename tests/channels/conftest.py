import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from channels import selection, states
from channels.models import Channel
from tests import clock
from tests.channels.frozen import START, FrozenClock

_numbers = itertools.count(1)
NewChannel = Callable[..., Channel]


@pytest.fixture
def new_channel(unseen: None, monkeypatch: pytest.MonkeyPatch) -> NewChannel:
    """Makes channels that nobody could reach, each the only one of its group; all is taken back
    after the test."""
    monkeypatch.setattr(selection, "_known", selection._Known(generation=-1, listed=()))
    return _make


@pytest.fixture
def lasting_channel(database: str) -> Iterator[NewChannel]:
    """The same, but written for good and deleted after the test: for what gives its connection
    back in the middle."""
    made: list[int] = []

    def make(**fields: Any) -> Channel:
        channel = _make(**fields)
        made.append(channel.pk)
        return channel

    yield make
    Channel.objects.filter(pk__in=made).delete()


def _make(*, secret: str = "", **fields: Any) -> Channel:
    name = f"made-{next(_numbers)}"
    details = {"kind": "midjourney_proxy", "base_url": "http://[::]:9", "groups": [name]}
    return states.make(Channel(name=name, **details | fields), secret=secret, actor="test")


@pytest.fixture
def frozen(unseen: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FrozenClock]:
    clock.install()
    with clock.clock_at(START):
        yield FrozenClock(monkeypatch)
