"""The first operator's code and, on one machine, a tenant to try things with. Made only when
missing."""

import json
from typing import Any, Protocol

from django.db import transaction

from billing import books, ledger, tenants, tokens
from billing.models import Entry, PriceBook, Tenant, Token
from billing.money import UNIT
from channels.models import Channel
from relay.operators import first_run

TENANT = "demo"
START_MONEY = 100 * UNIT
START_REFERENCE = "bootstrap-demo"
# The first can do everything; the second is there for when the first refuses; the third draws for
# test keys.
CHANNELS: tuple[dict[str, Any], ...] = (
    {"name": "sandbox", "kind": Channel.Kind.TRUEAI, "path": "/trueai"},
    {
        "name": "sandbox-2",
        "kind": Channel.Kind.MIDJOURNEY_PROXY,
        "path": "/midjourney-proxy",
        "priority": -1,
    },
    {
        "name": "sandbox-test",
        "kind": Channel.Kind.TRUEAI,
        "path": "/trueai",
        "is_test": True,
    },
)
MEMO = "made at the first start"
PRICES = {
    "mj_imagine": 0.1,
    "mj_blend": 0.1,
    "mj_describe": 0.05,
    "mj_shorten": 0.1,
    "mj_upscale": 0.05,
    "mj_upscale_hd": 0.05,
    "mj_variation": 0.1,
    "mj_low_variation": 0.1,
    "mj_high_variation": 0.1,
    "mj_reroll": 0.1,
    "mj_pan": 0.1,
    "mj_zoom": 0.1,
    "mj_custom_zoom": 0,
    "mj_inpaint": 0,
    "mj_modal": 0.1,
    "mj_edits": 0.1,
    "mj_video": 0.8,
    "mj_upload": 0.05,
    "swap_face": 0.05,
}


class Memory(Protocol):
    """Where secrets are kept that the database cannot give back (relay/up/facts.py)."""

    def get(self, name: str) -> str: ...

    def remember(self, **facts: str) -> None: ...


def operator_code(memory: Memory) -> str:
    """What makes the first operator, the same at each start until there is one; then ""."""
    code = first_run.code(memory.get("operator_code"))
    memory.remember(operator_code=code)
    return code


def demo(memory: Memory, *, sandbox_url: str) -> Tenant:
    """A tenant with money and a key, prices, and the sandbox behind its channels."""
    tenant = Tenant.objects.filter(name=TENANT).first() or tenants.create(name=TENANT)
    if not Entry.objects.filter(reference=START_REFERENCE).exists():
        ledger.topup(
            tenant_id=tenant.pk,
            amount=START_MONEY,
            reference=START_REFERENCE,
            actor="system",
            memo=MEMO,
        )
    if not PriceBook.objects.exists():
        books.publish_json(json.dumps(PRICES), memo=MEMO)
    _key(memory, tenant)
    for details in CHANNELS:
        _channel(sandbox_url, **details)
    return tenant


def _key(memory: Memory, tenant: Tenant) -> None:
    known = memory.get("key")
    if known and Token.objects.filter(digest=tokens.digest(known)).exists():
        return
    with transaction.atomic():
        _, key = tokens.make(tenant=tenant, name=TENANT)
        memory.remember(key=key)


def _channel(sandbox_url: str, *, name: str, kind: str, path: str, **fields: Any) -> None:
    """The sandbox moves with PORT, so its channels do; all else of them stays the operator's."""
    address = sandbox_url + path
    channel, is_new = Channel.objects.get_or_create(
        name=name, defaults={"kind": kind, "base_url": address, **fields}
    )
    if not is_new and channel.kind == kind and channel.base_url != address:
        Channel.objects.filter(pk=channel.pk).update(base_url=address)
