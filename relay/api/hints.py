"""An upstream says that it has news of a task. We believe nothing of it, we only look sooner."""

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from common import sql
from relay import signing, statements
from relay.api import errors

UPSTREAM_ID_MAX_CHARS = 64


@csrf_exempt
@require_POST
def hint(request: HttpRequest, word: str) -> HttpResponse:
    task_id = signing.hinted_task(word)
    if task_id is None:
        return errors.not_found(request, None)
    sql.execute(statements.HINT, {"task_id": task_id, "upstream_id": _upstream_id(request)})
    return HttpResponse()


def _upstream_id(request: HttpRequest) -> str:
    """The id it says the task has there, empty when it says none."""
    try:
        row = orjson.loads(request.read(settings.UPSTREAM_ANSWER_MAX_BYTES))
    except orjson.JSONDecodeError:
        return ""
    value = row.get("id") if isinstance(row, dict) else None
    is_usable = isinstance(value, str) and len(value) <= UPSTREAM_ID_MAX_CHARS and value.isascii()
    return value if is_usable and value.isprintable() else ""
