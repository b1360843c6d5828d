"""The Celery application and its clock.

PostgreSQL says what is due; messages only carry the work. They expire quickly, because the next
tick brings the same work again.
"""

import logging.config
import os
import time
from contextlib import suppress
from typing import Any

from celery import Celery, Task, signals
from django.db import Error as DatabaseError
from kombu.utils import functional
from psycopg_pool import PoolTimeout

from common import logs, pulses
from relay.serving import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")

# How often it is asked whether the night's proof is still to be made.
PROOF_TICK_SECONDS = 300
# How often it is asked whether the tables have parts for the weeks to come.
PARTS_TICK_SECONDS = 300
# How often it is looked for weeks that are too old.
OLD_TICK_SECONDS = 3600
# How often it is asked whether an hour is over and is to be added up.
HOURS_TICK_SECONDS = 300
# How often what is too old of channels' histories is looked for.
HISTORY_TICK_SECONDS = 600
# How long a job waits for a connection to the database, while others have them all.
CONNECTION_SECONDS = 30
# How often it asks for one meanwhile.
ASK_SECONDS = 2
# Which pulse beats when a job has been done: while it does, beat, broker and the queue's workers
# are there.
PULSES = {
    "relay.jobs.poll": "poll",
    "relay.jobs.deliver_due": "deliver",
    "relay.jobs.sweep": "default",
    "billing.jobs.roll_up": "roll-up",
}

app = Celery("relay", task_cls=broker.Job)
app.config_from_object(
    {
        **broker.SETTINGS,
        "beat_scheduler": "relay.serving.beat:Clock",
        "task_routes": {
            "relay.jobs.poll*": {"queue": "poll"},
            "relay.jobs.deliver*": {"queue": "deliver"},
        },
        "timezone": "UTC",
    }
)
app.autodiscover_tasks(related_name="jobs")


@app.on_after_configure.connect
def _use_settings(sender: Celery, **_: Any) -> None:
    from django.conf import settings

    sender.conf.broker_url = settings.CELERY_BROKER_URL
    sender.conf.broker_transport_options = broker.transport_options(settings.CELERY_BROKER_URL)
    ticks = {
        "relay.jobs.poll": settings.POLL_TICK_SECONDS,
        "relay.jobs.poll_late": settings.LATE_TICK_SECONDS,
        "relay.jobs.deliver_due": settings.CALLBACK_TICK_SECONDS,
        "relay.jobs.keep_due": settings.RESULTS_TICK_SECONDS,
        "relay.jobs.sweep": settings.SWEEP_SECONDS,
        "relay.jobs.deliver_due_notices": settings.NOTICE_TICK_SECONDS,
        "relay.jobs.prove": PROOF_TICK_SECONDS,
        "relay.jobs.make_parts": PARTS_TICK_SECONDS,
        "relay.jobs.drop_old": OLD_TICK_SECONDS,
        "relay.jobs.close_hours": HOURS_TICK_SECONDS,
        "channels.jobs.probe_due": settings.PROBE_SECONDS,
        "channels.jobs.sweep": HISTORY_TICK_SECONDS,
        "billing.jobs.sweep": HISTORY_TICK_SECONDS,
        "billing.jobs.roll_up": settings.USAGE_TICK_SECONDS,
        "billing.jobs.check_balances": settings.BALANCE_TICK_SECONDS,
        "console.jobs.sweep": HISTORY_TICK_SECONDS,
    }
    sender.conf.beat_schedule = {
        name: {"task": name, "schedule": seconds} for name, seconds in ticks.items()
    }


@signals.setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    """Celery leaves all loggers alone when somebody listens to this."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@signals.worker_init.connect
def _show_life(**_: Any) -> None:
    from relay.serving import alive
    from relay.watch import metrics

    alive.keep_touching()
    metrics.serve()


@signals.worker_init.connect
def _let_jobs_go_on(**_: Any) -> None:
    """While the broker is away. gevent looks at the class of every object before it replaces
    `time.sleep` (gevent/monkey/_patch_thread_common.py), and Celery's proxies import kombu then: it
    kept the old one, by which all jobs stood still, in the middle of transactions."""
    functional.sleep = time.sleep  # type: ignore[attr-defined]


@signals.worker_init.connect
def _wait_in_line(**_: Any) -> None:
    """For a connection to the database a job waits longer than a request may: it would only have to
    come again, and what it has claimed would lie there until its lease is over."""
    from django.conf import settings

    from common.postgres.base import DatabaseWrapper

    if pool := settings.DATABASES["default"]["OPTIONS"].get("pool"):
        pool["timeout"] = ASK_SECONDS
        DatabaseWrapper.patience_seconds = CONNECTION_SECONDS


@signals.task_prerun.connect
def _begin_job(task_id: str, task: Task, **_: Any) -> None:
    logs.begin(job=task.name, job_id=task_id)


@signals.task_success.connect
def _has_worked(sender: Task, **_: Any) -> None:
    if name := PULSES.get(sender.name):
        # The work has seen the same, and has said so.
        with suppress(DatabaseError, PoolTimeout):
            pulses.beat(name)
