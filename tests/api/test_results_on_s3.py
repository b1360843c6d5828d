"""Kept results in an S3 bucket: django-storages against a local imitation of S3 (moto)."""

from collections.abc import Iterator

import boto3  # type: ignore[import-untyped]
import orjson
import pytest
import requests
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from relay.models import ResultFile
from tests.accounts import Account
from tests.picture_host import MP4, gives, picture_host, png
from tests.results import succeeded
from tests.stack import Stack, wait_until

BUCKET = "results"
KEYS = {"access_key": "test", "secret_key": "test", "region_name": "us-east-1"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an empty bucket's server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client(url).create_bucket(Bucket=BUCKET)
    yield url
    server.stop()


@pytest.fixture(scope="module", autouse=True)
def keeping_stack(stack: Stack, s3: str) -> Iterator[None]:
    options = KEYS | {"bucket_name": BUCKET, "endpoint_url": s3}
    with stack.changed(
        KEEP_RESULTS="true",
        RESULTS_STORAGE="storages.backends.s3.S3Storage",
        RESULTS_STORAGE_OPTIONS=orjson.dumps(options).decode(),
    ):
        yield


@pytest.fixture(autouse=True)
def keep_here_too(settings: Settings) -> None:
    settings.KEEP_RESULTS = True


def client(url: str):
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=KEYS["access_key"],
        aws_secret_access_key=KEYS["secret_key"],
        region_name=KEYS["region_name"],
    )


def test_results_live_on_in_the_bucket(account: Account, s3: str) -> None:
    # Larger than what boto3 sends in one piece.
    bodies = {"image": png(padding=12_000_000), "video": MP4}
    with picture_host() as host:
        task = succeeded(
            account,
            image_url=host.serve("/a.png", gives(bodies["image"])),
            video_url=host.serve("/a.mp4", gives(bodies["video"])),
        )
        rows = ResultFile.objects.filter(task=int(task["id"]), state="kept")
        wait_until(lambda: rows.count() == 2, what="the copies")
    answers = {"image": requests.get(task["imageUrl"], timeout=20)}
    answers["video"] = requests.get(task["videoUrl"], timeout=20)
    for file in rows:
        answer, stored = answers[file.kind], client(s3).get_object(Bucket=BUCKET, Key=file.name)
        assert answer.content == stored["Body"].read() == bodies[file.kind]
        assert answer.headers["Content-Type"] == stored["ContentType"] == file.content_type
        assert answer.headers["Content-Length"] == str(len(bodies[file.kind]))
    assert len(client(s3).list_objects_v2(Bucket=BUCKET)["Contents"]) == 2
    head = requests.head(task["imageUrl"], timeout=20)
    assert head.headers["Content-Length"] == str(len(bodies["image"]))


def test_what_the_bucket_has_lost_is_fetched_from_the_upstream(account: Account, s3: str) -> None:
    with picture_host() as host:
        task = succeeded(account, image_url=host.serve("/a.png", gives(png())))
        rows = ResultFile.objects.filter(task=int(task["id"]), state="kept")
        file = wait_until(rows.first, what="the copy")
        client(s3).delete_object(Bucket=BUCKET, Key=file.name)
        assert requests.get(task["imageUrl"], timeout=20).content == png()
