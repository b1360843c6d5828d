"""The clock calls jobs by name: each is one that there is."""

from relay.celery import app


def test_every_tick_is_a_job() -> None:
    app.loader.import_default_modules()
    assert set(app.conf.beat_schedule) <= set(app.tasks)
    assert "relay.jobs.prove" in app.conf.beat_schedule
