"""The Celery application and its clock.

PostgreSQL says what is due; messages only carry the work. They expire quickly, because the next
tick brings the same work again.
"""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")

MESSAGE_SECONDS = 30
# How often it is asked whether the night's proof is still to be made.
PROOF_TICK_SECONDS = 300

app = Celery("relay")
app.config_from_object(
    {
        "task_default_queue": "default",
        "task_routes": {
            "relay.jobs.poll*": {"queue": "poll"},
            "relay.jobs.deliver*": {"queue": "deliver"},
        },
        "task_ignore_result": True,
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        # Nobody remote-controls the workers, and without it they stop a second sooner.
        "worker_enable_remote_control": False,
        "broker_connection_retry_on_startup": True,
        # A broker that hangs must not hang us.
        "broker_transport_options": {
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "visibility_timeout": 120,
        },
        "timezone": "UTC",
    }
)
app.autodiscover_tasks(related_name="jobs")


@app.on_after_configure.connect
def _use_settings(sender: Celery, **_: Any) -> None:
    from django.conf import settings

    sender.conf.broker_url = settings.CELERY_BROKER_URL
    ticks = {
        "relay.jobs.poll": settings.POLL_TICK_SECONDS,
        "relay.jobs.deliver_due": settings.CALLBACK_TICK_SECONDS,
        "relay.jobs.keep_due": settings.RESULTS_TICK_SECONDS,
        "relay.jobs.sweep": settings.SWEEP_SECONDS,
        "relay.jobs.deliver_due_notices": settings.NOTICE_TICK_SECONDS,
        "relay.jobs.prove": PROOF_TICK_SECONDS,
        "billing.jobs.roll_up": settings.USAGE_TICK_SECONDS,
        "billing.jobs.check_balances": settings.BALANCE_TICK_SECONDS,
    }
    sender.conf.beat_schedule = {
        name: {"task": name, "schedule": seconds, "options": {"expires": MESSAGE_SECONDS}}
        for name, seconds in ticks.items()
    }
