"""More messages than anybody can take."""

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from billing.models import Tenant
from common.partitions import weeks
from relay.messages import hooks


def flood(tenant: Tenant, url: str, number: int) -> None:
    """So many due final messages, of tasks that there never were."""
    where = hooks.place(url)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO relay_callback (task_id, tenant_id, url, host, lane, sequence, is_final,
                                           body, state, tries, rung, due_at)
               SELECT %s - n, %s, %s, %s, %s, 1, true, '{}', 'pending', 0, 0,
                      now() - interval '1 hour'
               FROM generate_series(1, %s) n""",
            [weeks.id_at(_before_all_tasks()), tenant.pk, url, where.host, where.lane, number],
        )


def _before_all_tasks() -> datetime:
    """No test has made one that is so old."""
    return timezone.now() - timedelta(hours=1)


def drain(tenant: Tenant) -> None:
    """Nothing is left of it, nor of the tenant's other messages; none has been tried."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM relay_callback WHERE tenant_id = %s", [tenant.pk])
