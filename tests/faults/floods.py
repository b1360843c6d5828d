"""More messages than anybody can take."""

from django.db import connection

from billing.models import Tenant
from relay import hooks


def flood(tenant: Tenant, url: str, number: int) -> None:
    """So many due final messages, of tasks that there never were."""
    where = hooks.place(url)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO relay_callback (task_id, tenant_id, url, host, lane, sequence, is_final,
                                           body, state, tries, rung, due_at)
               SELECT -n, %s, %s, %s, %s, 1, true, '{}', 'pending', 0, 0, now() - interval '1 hour'
               FROM generate_series(1, %s) n""",
            [tenant.pk, url, where.host, where.lane, number],
        )


def drain(tenant: Tenant) -> None:
    """Nothing is left of it, nor of the tenant's other messages; none has been tried."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM relay_callback WHERE tenant_id = %s", [tenant.pk])
