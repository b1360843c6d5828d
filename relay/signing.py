"""Unguessable words that need no column: a task's id and a signature over it."""

import base64
import hashlib
import hmac

from django.conf import settings

SIGNATURE_BYTES = 16


def sign(purpose: str, task_id: int) -> str:
    """22 characters that only we can make, different for each purpose."""
    return _under(settings.SECRET_KEY, purpose, task_id)


def is_signed(purpose: str, task_id: int, signature: str) -> bool:
    return any(
        hmac.compare_digest(known.encode(), signature.encode()) for known in _all(purpose, task_id)
    )


def correlation(task_id: int) -> str:
    """What an upstream gets as `state`: seen there again, it proves that the task is ours."""
    return f"{task_id}.{sign('correlation', task_id)}"


def correlations(task_id: int) -> list[str]:
    """What it may have got, when the secret has changed since."""
    return [f"{task_id}.{known}" for known in _all("correlation", task_id)]


def hint_url(task_id: int) -> str:
    """What an upstream gets as `notifyHook`."""
    return f"{settings.PUBLIC_URL}/hints/{task_id}.{sign('hint', task_id)}"


def hinted_task(word: str) -> int | None:
    """The task behind the last part of a hint address, None when it is not ours."""
    task_id, _, signature = word.partition(".")
    if not (task_id.isascii() and task_id.isdigit() and len(task_id) <= 16):
        return None
    return int(task_id) if is_signed("hint", int(task_id), signature) else None


def _all(purpose: str, task_id: int) -> list[str]:
    """Under today's secret, then under those before it (SECRET_KEY_FALLBACKS)."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_under(secret, purpose, task_id) for secret in secrets]


def _under(secret: str, purpose: str, task_id: int) -> str:
    message = f"{purpose}:{task_id}".encode()
    mac = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:SIGNATURE_BYTES]).decode().rstrip("=")
