"""Keeping results, in this process: what is copied when, how often, and by how many."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.files.storage import storages
from django.db import IntegrityError, connection
from django.utils import timezone
from pytest_django import Settings

from channels.adapters.base import Update
from relay import lifecycle
from relay.models import ResultFile, Task
from relay.pictures import downloads, results
from tests.accounts import Account
from tests.picture_host import PictureHost, gives, png
from tests.results import PROMPT, succeeded

ADDRESS = "http://pictures.example/"
# Nothing but this process shall touch these files: the running product finds them not yet due.
LATER = "2999-01-01 00:00Z"


@pytest.fixture(autouse=True)
def keep(settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.KEEP_RESULTS = True
    settings.PICTURE_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    usual = settings.STORAGES["results"]
    here = usual | {"OPTIONS": usual["OPTIONS"] | {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"results": here}
    downloads._guarded_session.cache_clear()
    yield
    downloads._guarded_session.cache_clear()


def file_of(account: Account, url: str, **fields: Any) -> ResultFile:
    """A file to be copied, which only this process works on."""
    task = succeeded(account)
    fields = {"due_at": LATER} | fields
    return ResultFile.objects.create(
        task_id=int(task["id"]), kind="image", number=0, source_url=url, **fields
    )


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_each_file_is_listed_once_and_not_too_many() -> None:
    task = Task(
        action="VIDEO",
        image_url="a",
        image_urls=[{"url": "a"}, {"url": "b"}, {"url": ""}, {}],
        video_url="",
        video_urls=[{"url": "a"}, *({"url": f"v{number}"} for number in range(50))],
    )
    files = [(file.kind, file.number, file.source_url) for file in results._files(task)]
    assert files[:4] == [
        ("image", 0, "a"),
        ("image", 1, "b"),
        ("video", 0, "a"),
        ("video", 1, "v0"),
    ]
    assert len(files) == 2 + results.FILES_MAX


@pytest.mark.parametrize(
    ("status", "action", "is_on", "is_kept"),
    [
        ("SUCCESS", "IMAGINE", True, True),
        ("SUCCESS", "DESCRIBE", True, True),
        ("SUCCESS", "UPLOAD", True, False),
        ("SUCCESS", "IMAGINE", False, False),
        ("FAILURE", "IMAGINE", True, False),
        ("CANCEL", "IMAGINE", True, False),
        ("IN_PROGRESS", "IMAGINE", True, False),
    ],
)
def test_what_is_kept(
    account: Account,
    settings: Settings,
    status: str,
    action: str,
    is_on: bool,
    is_kept: bool,
) -> None:
    # Not yet: a quick upstream may have a picture of it before we say that it succeeded.
    settings.KEEP_RESULTS = False
    task = Task.objects.get(pk=int(succeeded(account)["id"]))
    settings.KEEP_RESULTS = is_on
    task.status, task.action, task.image_url = status, action, ADDRESS
    results.enqueue(task)
    assert ResultFile.objects.filter(task=task).exists() is is_kept
    ResultFile.objects.filter(task=task).delete()


def test_files_are_written_with_the_success_or_not_at_all(account: Account) -> None:
    task_id = account.draw(PROMPT)
    # In the way of the row that will be written.
    ResultFile.objects.create(task_id=int(task_id), kind="image", number=0, due_at=LATER)
    task = Task.objects.select_related("token", "parent").get(pk=int(task_id))
    news = Update(upstream_id=task.upstream_id, status="SUCCESS", image_url=ADDRESS)
    with pytest.raises(IntegrityError):
        lifecycle.apply(task, news)
    assert account.fetch(task_id)["status"] != "SUCCESS"
    assert account.funds == ("100.00", "0.10")


def test_the_ladder() -> None:
    waits = [results.next_wait(tries) for tries in range(len(results.LADDER_SECONDS) + 1)]
    assert waits == [0, 5, 30, 300, 1800, 7200, None]


def test_many_workers_with_the_same_job_store_once(
    account: Account, host: PictureHost, tmp_path: Path
) -> None:
    file = file_of(account, host.serve("/a.png", gives(png())))
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        results.copy(file.pk, 0)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    file.refresh_from_db()
    assert (file.state, file.tries, file.due_at) == ("kept", 1, None)
    assert host.hits("/a.png") == 1
    assert [path.read_bytes() for path in stored(tmp_path)] == [png()]
    results.copy(file.pk, 0)
    results.copy(file.pk, 1)
    assert host.hits("/a.png") == 1


def test_a_copy_that_died_half_way_is_made_again_in_its_place(
    account: Account, host: PictureHost, tmp_path: Path
) -> None:
    file = file_of(account, host.serve("/a.png", gives(png())))
    results.copy(file.pk, 0)
    (path,) = stored(tmp_path)
    path.write_bytes(png() + b"left over")
    ResultFile.objects.filter(pk=file.pk).update(state="pending", due_at=LATER, name="")
    results.copy(file.pk, 1)
    assert [path.read_bytes() for path in stored(tmp_path)] == [png()]


def test_a_copy_that_outlived_its_lease_leaves_the_row_to_the_next(
    account: Account, host: PictureHost
) -> None:
    file = file_of(account, host.url + "/a.png")

    def while_copying(handler: Any) -> None:
        ResultFile.objects.filter(pk=file.pk).update(tries=2)
        connection.close()
        gives(png())(handler)

    host.serve("/a.png", while_copying)
    results.copy(file.pk, 0)
    file.refresh_from_db()
    assert (file.state, file.tries, file.name) == ("pending", 2, "")


def test_a_storage_that_fails_is_tried_again(
    account: Account,
    host: PictureHost,
    tmp_path: Path,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").touch()
    broken = {"BACKEND": settings.LOCAL_STORAGE, "OPTIONS": {"location": str(tmp_path / "file")}}
    settings.STORAGES = settings.STORAGES | {"results": broken}
    file = file_of(account, host.serve("/a.png", gives(png())))
    results.copy(file.pk, 0)
    file.refresh_from_db()
    assert (file.state, file.tries) == ("pending", 1)
    assert file.due_at is not None
    assert 3 < (file.due_at - timezone.now()).total_seconds() <= results.LADDER_SECONDS[1]
    ResultFile.objects.filter(pk=file.pk).update(tries=5, due_at=LATER)
    results.copy(file.pk, 5)
    file = ResultFile.objects.get(pk=file.pk)
    assert (file.state, file.tries, file.due_at) == ("given_up", 6, None)
    assert f"image 0 of task {file.task_id} given up after 6 tries" in caplog.text


def test_a_due_file_is_handed_out_once(account: Account) -> None:
    # The running product takes part in the race, and may win some of them.
    mine = {file_of(account, ADDRESS, due_at="2020-01-01 00:00Z").pk for _ in range(5)}
    claimed: list[int] = []
    workers = [threading.Thread(target=lambda: claimed.extend(_claimed())) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ours = [pk for pk in claimed if pk in mine]
    assert len(ours) == len(set(ours))
    assert not [pk for pk in _claimed() if pk in mine]


def _claimed() -> list[int]:
    try:
        return [pk for pk, _ in results.claim()]
    finally:
        if threading.current_thread() is not threading.main_thread():
            connection.close()


def test_a_name_cannot_be_guessed_and_begins_with_the_day(
    account: Account, host: PictureHost
) -> None:
    file = file_of(account, host.serve("/a.png", gives(png())))
    results.copy(file.pk, 0)
    file.refresh_from_db()
    day, task, name = file.name.rsplit("/", 2)
    assert day == f"{timezone.now():%Y/%m/%d}"
    assert task.startswith(f"{file.task_id}-")
    assert len(task) == len(f"{file.task_id}-") + 22
    assert name == "image-0.png"
    assert storages["results"].exists(file.name)


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("no.such.Storage", {}),
        ("django.core.files.storage.FileSystemStorage", {"locatoin": "/tmp"}),
        ("storages.backends.s3.S3Storage", {"buckett": "x"}),
    ],
)
def test_a_wrong_storage_is_found_at_the_start(
    settings: Settings, backend: str, options: dict[str, str]
) -> None:
    settings.STORAGES = settings.STORAGES | {"results": {"BACKEND": backend, "OPTIONS": options}}
    assert [error.id for error in checks.run_checks() if error.id == "relay.E004"]
    settings.KEEP_RESULTS = False
    assert not [error.id for error in checks.run_checks() if error.id == "relay.E004"]
