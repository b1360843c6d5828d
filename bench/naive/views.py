"""POST /mj/submit/imagine"""

import hashlib
from typing import Any

import requests
from django.db import transaction
from django.db.models import F
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.naive.models import Attempt, Channel, Entry, Key, Task, Wallet

PRICE = 100_000
CALLS_AT_ONCE = 2000
_session = requests.Session()
_session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=CALLS_AT_ONCE))


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Key]:
        secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
        digest = hashlib.sha256(secret.encode()).hexdigest()
        key = Key.objects.select_related("wallet").filter(digest=digest, is_active=True).first()
        if key is None:
            raise AuthenticationFailed
        return _Caller(), key


class _Caller:
    is_authenticated = True


class ImagineSerializer(serializers.Serializer[Any]):
    prompt = serializers.CharField(max_length=8000)
    base64Array = serializers.ListField(child=serializers.CharField(), required=False)  # noqa: N815
    state = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    notifyHook = serializers.URLField(required=False, allow_blank=True)  # noqa: N815


class Imagine(APIView):
    authentication_classes = (KeyAuthentication,)
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        form = ImagineSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        channel = Channel.objects.filter(is_enabled=True).first()
        if channel is None:
            return Response({"code": 3}, status=status.HTTP_503_SERVICE_UNAVAILABLE)
        attempt = _hold(request.auth, channel, form.validated_data)
        if attempt is None:
            return Response({"code": 9}, status=status.HTTP_403_FORBIDDEN)
        answer = _session.post(
            f"{channel.base_url}/mj/submit/imagine",
            json={"prompt": form.validated_data["prompt"]},
            timeout=(5, 60),
        )
        answer.raise_for_status()
        _store(attempt, answer.json()["result"], answer.text)
        return Response({"code": 1, "description": "提交成功", "result": str(attempt.task_id)})


def _hold(key: Key, channel: Channel, form: dict[str, Any]) -> Attempt | None:
    with transaction.atomic():
        rich = Wallet.objects.filter(pk=key.wallet_id, balance__gte=F("held") + PRICE)
        if not rich.update(held=F("held") + PRICE):
            return None
        task = Task.objects.create(
            key=key,
            channel=channel,
            action="IMAGINE",
            prompt=form["prompt"],
            state=form.get("state", ""),
            notify_hook=form.get("notifyHook", ""),
            price=PRICE,
        )
        Entry.objects.create(wallet=key.wallet, task=task, kind="hold", amount=PRICE)
        return Attempt.objects.create(task=task, channel=channel)


def _store(attempt: Attempt, upstream_id: str, text: str) -> None:
    with transaction.atomic():
        attempt.outcome, attempt.answer = "accepted", text
        attempt.save(update_fields=["outcome", "answer"])
        task = attempt.task
        task.upstream_id, task.status = upstream_id, "SUBMITTED"
        task.save(update_fields=["upstream_id", "status"])
