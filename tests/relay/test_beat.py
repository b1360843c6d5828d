"""The clock leaves ticks out while nobody takes the messages of the ones before."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from relay.celery import app
from relay.serving import beat, broker
from relay.serving.beat import Clock
from tests.faults.servers import OwnRedis


@pytest.fixture
def server() -> Iterator[OwnRedis]:
    made = OwnRedis()
    made.start()
    yield made
    made.remove()


@pytest.fixture
def clocked(server: OwnRedis) -> Iterator[Celery]:
    before = app.conf.broker_url
    app.conf.broker_url = server.url.replace("unix://", "redis+socket://").replace(
        "?db=", "?virtual_host="
    )
    app.pool.force_close_all()
    yield app
    app.conf.broker_url = before


def test_redis_is_not_filled_up(
    server: OwnRedis,
    clocked: Celery,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(beat, "WAITING_MAX", 5)
    clock = Clock(app=clocked, schedule_filename=str(tmp_path / "schedule"))
    entry = clock.schedule["relay.jobs.sweep"]

    def tick(times: int) -> None:
        for _ in range(times):
            clock.apply_async(entry, producer=clock.producer)

    with server.client() as client, caplog.at_level(logging.WARNING):
        tick(20)
        assert client.llen("default") == 5
        assert broker.lengths(clocked) == {"poll": 0, "deliver": 0, "default": 5}
        client.ltrim("default", 0, 2)
        tick(1)
        assert client.llen("default") == 4
    clock.close()
    told = [record.getMessage() for record in caplog.records if record.name == "relay.serving.beat"]
    assert told == [
        "nobody takes the messages of queue default: no more are sent",
        "the messages of queue default are taken again",
    ]
