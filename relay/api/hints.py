"""An upstream says that it has news of a task. We believe nothing of it, we only look sooner."""

import orjson
from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from common import sql
from relay import signing
from relay.errors import TaskNotFound
from relay.following import statements

UPSTREAM_ID_MAX_CHARS = 200


class Hint(APIView):
    """POST hints/{word}: the word is the permission, no key. Raises TaskNotFound."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request, word: str) -> HttpResponse:
        task_id = signing.hinted_task(word)
        if task_id is None:
            raise TaskNotFound
        sql.execute(statements.HINT, {"task_id": task_id, "upstream_id": _upstream_id(request)})
        return HttpResponse()


def _upstream_id(request: Request) -> str:
    """The id that the task is said to have there, empty when none is said."""
    try:
        row = orjson.loads(request._request.read(settings.UPSTREAM_ANSWER_MAX_BYTES))
    except orjson.JSONDecodeError:
        return ""
    value = row.get("id") if isinstance(row, dict) else None
    if not isinstance(value, str) or len(value) > UPSTREAM_ID_MAX_CHARS:
        return ""
    return value if value.isascii() and value.isprintable() else ""
