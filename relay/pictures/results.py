"""Keeping results: the files of finished tasks are copied to a storage and served from there.

A file to copy is a row before it is a job, so none is forgotten. It is copied once: its name is
always the same, so that a job that runs twice writes the same file, and one row wins.
"""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.base import File
from django.core.files.storage import storages
from django.db.models import F, Max
from django.utils import timezone

from common import site, sql
from relay import signing
from relay.models import DroppedWeek, ResultFile, Task, TaskStatus
from relay.pictures import images
from relay.pictures.images import Picture

logger = logging.getLogger(__name__)

STORAGE = "results"
# Seconds before each try, counted from the one before; as many tries as rungs. An upstream's own
# links live for a day or so.
LADDER_SECONDS = (0, 5, 30, 300, 1800, 7200)
# As long as a job may wait in the queue.
CLAIM_LEASE_SECONDS = 30
# Longer than a download and an upload of the largest file may take.
COPY_LEASE_SECONDS = 900
CLAIM_BATCH = 200
FILES_MAX = 20
CHUNK_BYTES = 65536
# So long copies of dropped tasks are removed at a time.
FORGET_SECONDS = 60
TYPES = {
    ResultFile.Kind.IMAGE: images.PICTURE_TYPES,
    ResultFile.Kind.VIDEO: images.VIDEO_TYPES,
}
# Due files, taken so that no other worker has them until the lease ends.
_CLAIM = """
UPDATE relay_resultfile SET due_at = now() + %(lease)s
WHERE id IN (
    SELECT id FROM relay_resultfile WHERE due_at <= now()
    ORDER BY due_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id, tries
"""


def enqueue(task: Task) -> None:
    """Writes which files are to be copied, in the transaction that stores a task's success."""
    # The addresses of an upload are for use in prompts; the tenant has these pictures itself.
    if task.status != TaskStatus.SUCCESS or task.action == "UPLOAD":
        return
    if site.value("keep_results"):
        ResultFile.objects.bulk_create(_files(task))


def find(task: Task, kind: ResultFile.Kind, url: str) -> ResultFile | None:
    """The copy of one of a task's results, None when there is none (yet)."""
    return ResultFile.objects.filter(
        task=task, kind=kind, source_url=url, state=ResultFile.State.KEPT
    ).first()


def open_copy(file: ResultFile) -> Picture | None:
    """The copy itself. None when the storage does not give it: the upstream may still have it."""
    try:
        stored = storages[STORAGE].open(file.name)
        if stored.size != file.size:
            stored.close()
            raise ValueError(f"it has {stored.size} bytes instead of {file.size}")
    except Exception as error:  # noqa: BLE001  each storage has its own
        logger.error("%s cannot be read from the storage: %s", file, error)
        return None
    return Picture(file.content_type, file.size, _Chunks(stored))


def claim() -> list[tuple[int, int]]:
    """(id, tries so far) of due files, leased to the caller."""
    rows = sql.fetch_all(
        _CLAIM,
        {"lease": timedelta(seconds=CLAIM_LEASE_SECONDS), "limit": CLAIM_BATCH},
    )
    return [(row.id, row.tries) for row in rows]


def copy(file_id: int, tries: int) -> None:
    """One try. Of several workers with the same job, the one that raises `tries` copies."""
    due_at = timezone.now() + timedelta(seconds=COPY_LEASE_SECONDS)
    row = ResultFile.objects.filter(pk=file_id, tries=tries, state=ResultFile.State.PENDING)
    if not row.update(tries=F("tries") + 1, due_at=due_at):
        return
    file = ResultFile.objects.select_related("task__channel").get(pk=file_id)
    sql.release_connection()
    try:
        _store(file)
    except Exception as error:  # noqa: BLE001  upstreams and storages fail in ways of their own
        _record_failure(file, error)
    else:
        _record_copy(file)


def forget_dropped() -> int:
    """Removes the copies of tasks that have been dropped, and what is known of them, as many as
    there is time for; returns how many."""
    until = DroppedWeek.objects.aggregate(until=Max("until_id"))["until"]
    number, ends_at = 0, time.monotonic() + FORGET_SECONDS
    while until is not None and time.monotonic() < ends_at:
        rows = ResultFile.objects.filter(task_id__lt=until).order_by("task_id", "kind", "number")
        some = list(rows[:CLAIM_BATCH])
        gone = [file.pk for file in some if _remove(file)]
        number += ResultFile.objects.filter(pk__in=gone).delete()[0]
        # The rest of a storage that does not do it now is left to the next time.
        if not some or len(gone) < len(some):
            break
    return number


def next_wait(tries: int) -> float | None:
    """Seconds until the next try after `tries` failed ones; None: give up."""
    return LADDER_SECONDS[tries] if tries < len(LADDER_SECONDS) else None


def _files(task: Task) -> Iterator[ResultFile]:
    pictures = [task.image_url, *_addresses(task.image_urls)]
    videos = [task.video_url, *_addresses(task.video_urls)]
    for kind, urls in ((ResultFile.Kind.IMAGE, pictures), (ResultFile.Kind.VIDEO, videos)):
        # The first of several is usually told twice.
        different = dict.fromkeys(url for url in urls if url)
        for number, url in enumerate(list(different)[:FILES_MAX]):
            yield ResultFile(task=task, kind=kind, number=number, source_url=url)


def _addresses(urls: list[dict[str, str]] | None) -> list[str]:
    return [entry.get("url", "") for entry in urls or ()]


def _store(file: ResultFile) -> None:
    """Downloads to a temporary file, and from there to the storage: only whole files get there."""
    picture = images.fetch(file.task, file.source_url, TYPES[ResultFile.Kind(file.kind)])
    with closing(picture.chunks), tempfile.TemporaryFile() as temporary:
        file.size = sum(temporary.write(chunk) for chunk in picture.chunks)
        file.content_type = picture.content_type
        temporary.seek(0)
        content: Any = File(temporary)
        # S3 keeps it, for those who read the bucket directly.
        content.content_type = picture.content_type
        file.name = storages[STORAGE].save(_name(file), content)


def _name(file: ResultFile) -> str:
    """By day, so that no folder grows endlessly and old ones are easily removed. It cannot be
    guessed, for the storage may be a public one."""
    day = datetime.fromtimestamp(file.task.submit_time / 1000, UTC)
    folder = f"{day:%Y/%m/%d}/{file.task_id}-{signing.sign('result', file.task_id)}"
    return f"{folder}/{file.kind}-{file.number}.{file.content_type.partition('/')[2]}"


def _remove(file: ResultFile) -> bool:
    try:
        if file.name:
            storages[STORAGE].delete(file.name)
    except Exception as error:  # noqa: BLE001  each storage has its own
        logger.error("%s cannot be removed from the storage: %s", file, error)
        return False
    return True


def _record_copy(file: ResultFile) -> None:
    # Still ours: a copy that outlived its lease may be another worker's by now.
    ResultFile.objects.filter(pk=file.pk, tries=file.tries).update(
        state=ResultFile.State.KEPT,
        due_at=None,
        name=file.name,
        content_type=file.content_type,
        size=file.size,
    )


def _record_failure(file: ResultFile, error: Exception) -> None:
    row = ResultFile.objects.filter(pk=file.pk, tries=file.tries)
    wait = next_wait(file.tries)
    if wait is not None:
        row.update(due_at=timezone.now() + timedelta(seconds=wait))
        return
    row.update(state=ResultFile.State.GIVEN_UP, due_at=None)
    logger.error("%s given up after %s tries: %s", file, file.tries, error)


class _Chunks:
    """A stored file in pieces, and closed when told so."""

    def __init__(self, file: "File[bytes]") -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(CHUNK_BYTES), b"")

    def close(self) -> None:
        self._file.close()
