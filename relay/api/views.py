"""The Midjourney API: authenticate, read the fields, call one function, answer."""

from django.conf import settings
from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import sql
from relay import actions, forwarding, images, signing, task_object
from relay.api import fields
from relay.api.auth import caller
from relay.errors import TaskNotFound, WrongSignature
from relay.models import TERMINAL, Task, TaskQuerySet
from relay.orders import Order

LIST_MAX_IDS = 1000
PICTURE_CACHE = "public, max-age=86400, immutable"
PREVIEW_CACHE = "no-store"


def accepted(task_id: int) -> Response:
    """The contract's one shape of an accepted submit."""
    return Response(
        {"code": 1, "description": "提交成功", "result": str(task_id), "properties": {}}
    )


class Imagine(APIView):
    """POST submit/imagine"""

    def post(self, request: Request) -> Response:
        body = fields.body_of(request)
        order = Order(
            action=actions.IMAGINE,
            mode=settings.DEFAULT_MODE,
            bot_type=fields.bot_type(body),
            prompt=fields.prompt(body),
            images=fields.images(body),
            state=fields.state(body),
            notify_hook=fields.notify_hook(body),
        )
        return accepted(forwarding.submit(caller=caller(request), order=order))


class Fetch(APIView):
    """GET task/{id}/fetch"""

    def get(self, request: Request, task_id: str) -> Response:
        number = fields.task_id(task_id)
        task = None if number is None else _tasks(request).filter(pk=number).first()
        if task is None:
            raise TaskNotFound
        return Response(task_object.as_json(task, caller(request).image_setting))


class ListByCondition(APIView):
    """POST task/list-by-condition: the tenant's tasks among the ids asked for."""

    def post(self, request: Request) -> Response:
        ids = fields.task_ids(fields.body_of(request), at_most=LIST_MAX_IDS)
        return Response(
            [
                task_object.as_dict(task, caller(request).image_setting)
                for task in _tasks(request).filter(pk__in=ids)
            ]
        )


class Image(APIView):
    """GET image/{id}?sig=: no key, the signature in the link is the permission."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, task_id: str) -> StreamingHttpResponse:
        number = fields.task_id(task_id)
        signature = request.query_params.get("sig", "")
        if number is None or not signing.is_signed("image", number, signature):
            raise WrongSignature
        task = Task.objects.select_related("channel").filter(pk=number).first()
        if task is None or not task.image_url:
            raise TaskNotFound
        sql.release_connection()
        picture = images.fetch(task)
        response = StreamingHttpResponse(picture.chunks, content_type=picture.content_type)
        response["Cache-Control"] = PICTURE_CACHE if task.status in TERMINAL else PREVIEW_CACHE
        # Whatever it turns out to be, no browser shall take it for a page.
        response["X-Content-Type-Options"] = "nosniff"
        return response


def _tasks(request: Request) -> TaskQuerySet:
    return Task.objects.of(caller(request).tenant_id)
