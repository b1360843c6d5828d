"""Of several clocks one ticks; without Redis each does."""

from collections.abc import Iterator

import pytest

from common import redis_pool
from relay.serving import turn
from relay.serving.turn import Turn
from tests.faults.servers import OwnRedis
from tests.stack import wait_until


@pytest.fixture
def server(settings) -> Iterator[OwnRedis]:
    made = OwnRedis()
    made.start()
    settings.REDIS_URL = made.url
    redis_pool.client.cache_clear()
    yield made
    redis_pool.client.cache_clear()
    made.remove()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "LEASE_SECONDS", 3)
    monkeypatch.setattr(turn, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(turn, "FAILED_SECONDS", 0.3)


def test_the_first_one_keeps_it_as_long_as_it_asks(server: OwnRedis) -> None:
    first, second = Turn(), Turn()
    for _ in range(3):
        assert (first.is_mine(), second.is_mine()) == (True, False)
        server.client().pexpire(turn.KEY, 1500)
        wait_until(lambda: first.is_mine() and server.client().pttl(turn.KEY) > 1500)


def test_the_next_one_gets_it_when_the_first_says_nothing_any_more(server: OwnRedis) -> None:
    first, second = Turn(), Turn()
    assert first.is_mine()
    assert not second.is_mine()
    wait_until(second.is_mine)
    wait_until(lambda: not first.is_mine())


def test_who_stops_gives_it_back(server: OwnRedis) -> None:
    first, second = Turn(), Turn()
    assert first.is_mine()
    first.give_back()
    assert not server.client().exists(turn.KEY)
    assert second.is_mine()
    # It is not taken from somebody else.
    first.give_back()
    assert server.client().exists(turn.KEY)


def test_without_redis_each_ticks_and_then_one_again(
    server: OwnRedis, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Turn(), Turn()
    assert first.is_mine()
    assert not second.is_mine()
    server.kill()
    wait_until(lambda: first.is_mine() and second.is_mine())
    server.start()
    wait_until(lambda: first.is_mine() != second.is_mine())
    said = [record.getMessage() for record in caplog.records if record.name == "relay.serving.turn"]
    assert sum("Redis does not answer" in text for text in said) == 2
