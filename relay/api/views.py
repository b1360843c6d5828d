"""The Midjourney API: authenticate, read the fields, call one function, answer."""

from collections.abc import Collection
from typing import ClassVar

import orjson
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from billing.errors import ConcurrencyLimited
from billing.tokens import Caller
from channels.errors import NoRoom
from relay import actions, lifecycle, shown, task_object
from relay.api import fields, picreader, readers
from relay.api.auth import caller
from relay.api.limited import Asking, Submitting
from relay.api.parsers import FacesParser
from relay.api.readers import Ask, Reader
from relay.errors import InvalidRequest, TaskNotFound
from relay.models import Task, TaskQuerySet
from relay.pictures import seeds
from relay.submits import answers, forwarding, idempotency, modals, uploads
from relay.submits.forwarding import Placed

LIST_MAX_IDS = 1000
LIST_LENGTH = 100


def accepted(result: str | list[str]) -> Response:
    return Response(answers.accepted(result))


def placed(order: Placed) -> Response:
    if order.is_modal:
        return Response(answers.waits_for_modal(order.task_id, order.final_prompt))
    return accepted(str(order.task_id))


def fetched(key: Caller, task_id: str) -> bytes:
    """A task as it is shown to this key. Raises TaskNotFound."""
    number = fields.task_id(task_id)
    task = None if number is None else shown.find(number, key)
    if task is None:
        raise TaskNotFound
    return task_object.as_json(task, key.image_setting)


class SubmitView(Submitting):
    """A submit, which may bring an `Idempotency-Key`."""

    def post(self, request: Request, path_mode: str = "") -> Response:
        key = fields.idempotency_key(request)
        ask = Ask(fields.body_of(request), caller(request), path_mode)
        return self.answer(ask, key=key, path=request.path_info)

    def answer(self, ask: Ask, *, key: str, path: str) -> Response:
        """Done once, however often it is sent with this `key` (empty: none) to this `path`."""
        if not key:
            return self._submit(ask)
        row_id, answer = idempotency.begin(caller=ask.caller, key=key, path=path, body=ask.body)
        if answer:
            return Response(answer.encode(), headers={"Idempotent-Replayed": "true"})
        try:
            response = self._submit(ask._replace(request_id=row_id))
        except Exception:
            idempotency.forget(row_id)
            raise
        idempotency.finish(row_id, orjson.dumps(response.data).decode())
        return response

    def submit(self, ask: Ask) -> Response:
        """Raises ConcurrencyLimited and NoRoom before anything is written."""
        raise NotImplementedError

    def _submit(self, ask: Ask) -> Response:
        turn = self.take_turn(ask.caller)
        while True:
            try:
                return self.submit(ask._replace(caller=turn.caller))
            except ConcurrencyLimited as refusal:
                turn.wait_for_room(refusal)
            except NoRoom as refusal:
                turn.wait_a_moment(refusal, seconds=refusal.retry_after)


class Submit(SubmitView):
    """POST submit/…: the reader makes an order of the body."""

    # One reader in a tuple: a bare function would become a method.
    reader: ClassVar[tuple[Reader, ...]] = ()

    def submit(self, ask: Ask) -> Response:
        (read,) = self.reader
        return placed(forwarding.submit(caller=ask.caller, order=read(ask)))


class Swap(Submit):
    """POST insight-face/swap: as JSON, or as the form that some clients send."""

    parser_classes = (FacesParser,)
    reader = (readers.swap,)


class Button(SubmitView):
    """POST submit/action: a button of a finished task was pressed."""

    def submit(self, ask: Ask) -> Response:
        custom_id = readers.custom_id_of(ask)
        if custom_id.split("::")[:2] == actions.BOOKMARK.split("::"):
            return accepted(str(readers.finished_parent(ask).pk))
        if custom_id == actions.PICREADER_ALL:
            return accepted(picreader.draw_all(ask))
        return placed(forwarding.submit(caller=ask.caller, order=readers.action(ask)))


class Modal(SubmitView):
    """POST submit/modal: confirms what an action has prepared; the id stays the same."""

    def submit(self, ask: Ask) -> Response:
        said = readers.confirmation(ask)
        return accepted(
            str(modals.confirm(caller=ask.caller, task=readers.task_of(ask), said=said))
        )


class Upload(SubmitView):
    """POST submit/upload-discord-images: answered with the addresses themselves."""

    def submit(self, ask: Ask) -> Response:
        return accepted(uploads.upload(caller=ask.caller, order=readers.upload(ask)))


class Fetch(Asking):
    """GET task/{id}/fetch"""

    def get(self, request: Request, task_id: str, path_mode: str = "") -> HttpResponse:
        return HttpResponse(fetched(caller(request), task_id), content_type="application/json")


class ListByCondition(Asking):
    """POST task/list-by-condition: the tenant's tasks among the ids asked for."""

    def post(self, request: Request, path_mode: str = "") -> Response:
        ids = fields.task_ids(fields.body_of(request), at_most=LIST_MAX_IDS)
        return _list(request, _tasks(request).filter(pk__in=ids))


class List(Asking):
    """GET task/list: the key's newest tasks."""

    def get(self, request: Request, path_mode: str = "") -> Response:
        return _list(request, _own(request)[:LIST_LENGTH])


class Queue(Asking):
    """GET task/queue: the key's unfinished tasks."""

    def get(self, request: Request, path_mode: str = "") -> Response:
        return _list(request, _own(request).open()[:LIST_MAX_IDS])


class ImageSeed(Asking):
    """GET task/{id}/image-seed"""

    def get(self, request: Request, task_id: str, path_mode: str = "") -> Response:
        seed = seeds.of(_task(request, task_id))
        return Response({"code": 1, "description": "成功", "result": seed, "properties": {}})


class Cancel(Asking):
    """POST task/{id}/cancel: what no upstream draws yet."""

    def post(self, request: Request, task_id: str, path_mode: str = "") -> Response:
        task = _task(request, task_id)
        if not lifecycle.cancel(task):
            raise InvalidRequest("this task is drawn already and cannot be cancelled")
        return accepted(str(task.pk))


def _tasks(request: Request) -> TaskQuerySet:
    return Task.objects.of(caller(request))


def _own(request: Request) -> TaskQuerySet:
    return _tasks(request).filter(token_id=caller(request).token_id).order_by("-id")


def _task(request: Request, task_id: str) -> Task:
    number = fields.task_id(task_id)
    found = _tasks(request).filter(pk=number) if number is not None else Task.objects.none()
    task = found.select_related("token").first()
    if task is None:
        raise TaskNotFound
    return task


def _list(request: Request, tasks: Collection[Task]) -> Response:
    setting = caller(request).image_setting
    return Response([task_object.as_dict(task, setting) for task in tasks])
