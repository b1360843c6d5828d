"""Kept results: pictures and videos that outlive their upstream."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from pytest_django import Settings

from relay.models import ResultFile
from tests.accounts import Account, open_account
from tests.picture_host import INNER, MP4, PAGE, PictureHost, gives, picture_host, png
from tests.results import ended, succeeded
from tests.stack import ROOT, Stack, free_port, wait_until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module", autouse=True)
def keeping_stack(stack: Stack, folder: Path) -> Iterator[None]:
    with stack.changed(
        KEEP_RESULTS="true",
        RESULTS_STORAGE_OPTIONS=orjson.dumps({"location": str(folder)}).decode(),
    ):
        yield


@pytest.fixture(autouse=True)
def keep_here_too(settings: Settings) -> None:
    """Some tests end a task in this process, which then writes what is to be kept."""
    settings.KEEP_RESULTS = True


def files(task: dict[str, Any]) -> list[ResultFile]:
    return list(ResultFile.objects.filter(task=int(task["id"])).order_by("kind", "number"))


def kept(task: dict[str, Any], *, seconds: float = 15) -> list[ResultFile]:
    """The task's files, once none of them is pending."""

    def done() -> list[ResultFile] | None:
        found = files(task)
        return found if found and all(file.state != "pending" for file in found) else None

    result: list[ResultFile] = wait_until(done, seconds=seconds, what="the copies")
    return result


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=20)


def test_a_drawn_picture_outlives_its_upstream(stack: Stack, folder: Path) -> None:
    port = free_port()
    sandbox = subprocess.Popen(
        [sys.executable, "-m", "channels.sandbox", "--port", str(port), "--drawing-seconds", "0.1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        assert sandbox.stdout
        sandbox.stdout.readline()
        account = open_account(stack, channel_url=f"http://127.0.0.1:{port}/midjourney-proxy")
        task = account.finish(account.draw())
        (file,) = kept(task)
        upstreams_own = get(file.source_url).content
    finally:
        sandbox.kill()
        sandbox.wait()
    answer = get(task["imageUrl"])
    assert (answer.status_code, answer.content) == (200, upstreams_own)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Length"] == str(len(upstreams_own))
    assert answer.headers["Cache-Control"] == "public, max-age=86400, immutable"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (folder / file.name).read_bytes() == upstreams_own
    head = requests.head(task["imageUrl"], timeout=20)
    assert head.headers["Content-Length"] == str(len(upstreams_own))


def test_all_pictures_and_videos_are_kept_each_once(account: Account, folder: Path) -> None:
    bodies = {"/0.png": png("red"), "/1.png": png("blue"), "/0.mp4": MP4, "/1.mp4": MP4 + b"1"}
    with picture_host() as host:
        urls = {path: host.serve(path, gives(body)) for path, body in bodies.items()}
        task = succeeded(
            account,
            image_url=urls["/0.png"],
            image_urls=[{"url": urls["/0.png"]}, {"url": urls["/1.png"]}],
            video_url=urls["/0.mp4"],
            video_urls=[{"url": urls["/0.mp4"]}, {"url": urls["/1.mp4"]}],
        )
        copies = [(file.kind, file.number, file.size) for file in kept(task)]
        links = [entry["url"] for entry in [*task["imageUrls"], *task["videoUrls"]]]
        assert [get(link).content for link in links] == list(bodies.values())
        assert [host.hits(path) for path in bodies] == [1, 1, 1, 1]
    assert copies == [
        (kind, number, len(bodies[f"/{number}.{ending}"]))
        for kind, ending in (("image", "png"), ("video", "mp4"))
        for number in (0, 1)
    ]
    assert [get(link).content for link in links] == list(bodies.values())
    assert get(task["imageUrl"]).content == bodies["/0.png"]
    assert get(task["videoUrl"]).headers["Content-Type"] == "video/mp4"
    assert sorted(path.stat().st_size for path in folder.rglob(f"{task['id']}-*/*")) == sorted(
        len(body) for body in bodies.values()
    )


def test_a_large_file_is_kept_whole(account: Account) -> None:
    body = png(padding=20_000_000)
    with picture_host() as host:
        task = succeeded(account, image_url=host.serve("/a.png", gives(body)))
        kept(task)
    assert get(task["imageUrl"]).content == body


def test_a_copy_that_fails_is_tried_again(account: Account, host: PictureHost) -> None:
    picture = host.serve("/a.png", gives(b"", status=500), gives(png()))
    task = succeeded(account, image_url=picture)
    (file,) = kept(task)
    assert (file.state, file.tries, host.hits("/a.png")) == ("kept", 2, 2)
    host.serve("/a.png", gives(b"", status=404))
    assert get(task["imageUrl"]).content == png()


def test_until_it_is_kept_the_upstream_is_asked(account: Account, host: PictureHost) -> None:
    picture = host.serve("/a.png", gives(b"", status=500), gives(png()))
    task = succeeded(account, image_url=picture)
    wait_until(lambda: host.hits("/a.png") == 1, what="the first try")
    assert get(task["imageUrl"]).content == png()
    assert files(task)[0].state == "pending"


def test_what_is_no_picture_is_not_kept_and_given_up_in_the_end(
    account: Account, host: PictureHost, folder: Path
) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", gives(PAGE)))

    def is_over() -> bool:
        """Hurries it up the ladder."""
        return not ResultFile.objects.filter(task=int(task["id"]), state="pending").update(
            due_at="2020-01-01 00:00Z"
        )

    wait_until(is_over, what="the last try")
    (file,) = kept(task)
    assert (file.state, file.tries, file.name, host.hits("/a.png")) == ("given_up", 6, "", 6)
    assert f"image 0 of task {task['id']} given up after 6 tries" in account.stack.log("worker")
    assert not list(folder.rglob(f"{task['id']}-*"))
    assert get(task["imageUrl"]).status_code == 502


def test_a_copy_that_is_lost_is_fetched_from_the_upstream(
    account: Account, host: PictureHost, folder: Path
) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", gives(png())))
    (file,) = kept(task)
    (folder / file.name).write_bytes(png()[:20])
    assert get(task["imageUrl"]).content == png()
    (folder / file.name).unlink()
    assert get(task["imageUrl"]).content == png()
    assert f"image 0 of task {task['id']} cannot be read" in account.stack.log("web")
    assert host.hits("/a.png") == 3


def test_only_what_has_succeeded_is_kept(account: Account, host: PictureHost) -> None:
    picture = host.serve("/a.png", gives(png()))
    assert not files(ended(account, status="FAILURE", image_url=picture))
    assert not files(ended(account, progress=50, image_url=picture))
    assert not files(succeeded(account))


def test_nothing_is_kept_when_it_is_switched_off(
    account: Account, host: PictureHost, settings: Settings
) -> None:
    settings.KEEP_RESULTS = False
    task = succeeded(account, image_url=host.serve("/a.png", gives(png())))
    assert not files(task)
    host.serve("/a.png", gives(b"", status=404))
    assert get(task["imageUrl"]).status_code == 502


def test_an_inner_address_is_not_copied(account: Account) -> None:
    with picture_host(INNER) as inner:
        task = succeeded(account, image_url=inner.serve("/secret.png", gives(png())))
        wait_until(lambda: files(task)[0].tries == 1, what="the first try")
        assert inner.hits("/secret.png") == 0
