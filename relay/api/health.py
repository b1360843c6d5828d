"""Is the process alive, and can it work?"""

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg_pool import PoolTimeout
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Health(APIView):
    """GET healthz: the process answers. Nothing else is asked, so that a slow database restarts
    nobody."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class Readiness(APIView):
    """GET readyz: 200 when the database answers and has this code's schema. Redis may be gone:
    then nothing is lost, only followed later."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        database = _database()
        ready = database == "ok"
        return Response(
            {
                "status": "ready" if ready else "not ready",
                "database": database,
                "redis": _redis(),
            },
            status=200 if ready else 503,
        )


def _database() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, PoolTimeout):
        return "does not answer"
    return f"{len(pending)} migrations are missing" if pending else "ok"


def _redis() -> str:
    timeout = settings.REDIS_TIMEOUT_SECONDS
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=timeout
        ) as client:
            client.ping()
    except redis.RedisError:
        return "degraded: does not answer"
    return "ok"
