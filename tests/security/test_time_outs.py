"""No connection of ours waits for ever: each is made here to somebody who takes it and then says
nothing. (Peers that say a little and never end: tests/faults/test_never_ending.py; a database that
stops in the middle: test_hung_database.py; receivers of callbacks: test_hostile_receivers.py.)"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import redis
import requests
from allauth.socialaccount.adapter import get_adapter
from botocore.exceptions import BotoCoreError
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.mail import get_connection
from django.test import override_settings

from billing.providers import stripe as stripe_provider
from common import guard, redis_pool
from relay.pictures.s3_storage import BoundedS3Storage

# A time-out of ours that has come this late has not come.
SECONDS = 30


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes every connection and says nothing."""
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for connection in taken:
        connection.close()


def database(port: int) -> None:
    seconds = settings.DATABASES["default"]["OPTIONS"]["connect_timeout"]
    psycopg.connect(f"host=127.0.0.1 port={port} user=x dbname=x", connect_timeout=seconds)


def redis_(port: int) -> None:
    known = redis_pool.client().connection_pool.connection_kwargs
    names = ("socket_timeout", "socket_connect_timeout", "retry")
    limits = {name: known[name] for name in names if name in known}
    redis.Redis(port=port, **limits).ping()


def mail(port: int) -> None:
    get_connection(
        "django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port
    ).open()


def s3(port: int) -> None:
    options = {"bucket_name": "x", "access_key": "x", "secret_key": "x", "region_name": "x"}
    storage = BoundedS3Storage(endpoint_url=f"http://127.0.0.1:{port}", **options)
    storage.save("x", ContentFile(b"x"))


def sign_in_elsewhere(port: int) -> None:
    with get_adapter().get_requests_session() as session:
        session.get(f"http://127.0.0.1:{port}/.well-known/openid-configuration")


def hook(port: int) -> None:
    policy = guard.Policy(ports=[], allowed=["127.0.0.0/8"])
    url, seconds = f"http://127.0.0.1:{port}", settings.CALLBACK_TIMEOUT_SECONDS
    guard.session(policy).post(url, timeout=seconds)


PEERS: dict[str, tuple[Callable[[int], None], type[Exception]]] = {
    "PostgreSQL": (database, psycopg.OperationalError),
    "Redis": (redis_, redis.TimeoutError),
    "mail": (mail, OSError),
    "S3": (s3, BotoCoreError),
    "OpenID Connect and GitHub": (sign_in_elsewhere, requests.Timeout),
    "hooks": (hook, requests.Timeout),
}


@pytest.mark.parametrize("name", PEERS)
def test_a_silent_peer_is_given_up(name: str, silent: int) -> None:
    call, error = PEERS[name]
    began = time.monotonic()
    with (
        override_settings(EMAIL_TIMEOUT=2, PICTURE_TIMEOUT_SECONDS=2, CALLBACK_TIMEOUT_SECONDS=2),
        pytest.raises(error),
    ):
        call(silent)
    assert time.monotonic() - began < SECONDS


def test_every_time_out_that_is_set_is_a_time() -> None:
    """Zero or none would be for ever."""
    times = ("CONNECT", "TIMEOUT", "SUBMIT", "POLL", "HEAD", "CLIENT")
    ours = tuple(f"_{word}_SECONDS" for word in times)
    found: dict[str, Any] = {
        name: getattr(settings, name) for name in dir(settings) if name.endswith(ours)
    }
    assert len(found) >= 10
    assert {name: seconds for name, seconds in found.items() if not 0 < seconds <= 300} == {}
    assert stripe_provider.TIMEOUT_SECONDS <= 30
