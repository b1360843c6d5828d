"""Pictures and videos on the site's own domain: no key, the signature is the permission."""

from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import sql
from relay import signing
from relay.api import fields
from relay.errors import TaskNotFound, WrongSignature
from relay.models import ResultFile, Task, TaskStatus
from relay.pictures import images, results

FINAL_CACHE = "public, max-age=86400, immutable"
# Previews change, and errors pass.
NO_CACHE = "no-store"


class _Result(APIView):
    authentication_classes = ()
    permission_classes = ()

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        response["Cache-Control"] = NO_CACHE
        return response


class Image(_Result):
    """GET image/{id}?sig=, with n= for one of several (`imageUrls`), from 0"""

    def get(self, request: Request, task_id: str, path_mode: str = "") -> StreamingHttpResponse:
        task = _signed_task(request, "image", task_id)
        number = request.query_params.get("n")
        url = task.image_url if number is None else _nth(task.image_urls, fields.task_id(number))
        return _answer(request, task, ResultFile.Kind.IMAGE, url)


class Video(_Result):
    """GET video/{id}/{n}?sig=, n from 0"""

    def get(
        self, request: Request, task_id: str, number: int, path_mode: str = ""
    ) -> StreamingHttpResponse:
        task = _signed_task(request, "video", task_id)
        url = _nth(task.video_urls, number) or (task.video_url if number == 0 else "")
        return _answer(request, task, ResultFile.Kind.VIDEO, url)


def _nth(urls: list[dict[str, str]] | None, number: int | None) -> str:
    if not urls or number is None or number >= len(urls):
        return ""
    return urls[number].get("url", "")


def _signed_task(request: Request, purpose: str, task_id: str) -> Task:
    number = fields.task_id(task_id)
    signature = request.query_params.get("sig", "")
    if number is None or not signing.is_signed(purpose, number, signature):
        raise WrongSignature
    task = Task.objects.select_related("channel").filter(pk=number).first()
    if task is None:
        raise TaskNotFound
    return task


def _answer(request: Request, task: Task, kind: ResultFile.Kind, url: str) -> StreamingHttpResponse:
    if not url:
        raise TaskNotFound
    copy = results.find(task, kind, url)
    sql.release_connection()
    found = (copy and results.open_copy(copy)) or images.fetch(task, url, results.TYPES[kind])
    chunks: Any = found.chunks
    if request.method == "HEAD":
        found.chunks.close()
        chunks = ()
    response = StreamingHttpResponse(chunks, content_type=found.content_type)
    if found.size is not None:
        response["Content-Length"] = str(found.size)
    response["Accept-Ranges"] = "none"
    response["Cache-Control"] = FINAL_CACHE if task.status == TaskStatus.SUCCESS else NO_CACHE
    # Whatever it turns out to be, no browser shall take it for a page.
    response["X-Content-Type-Options"] = "nosniff"
    return response
