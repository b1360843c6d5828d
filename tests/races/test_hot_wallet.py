"""Sixty-four clients on one wallet: right to the cent, and not much slower than on sixty-four."""

from collections.abc import Callable, Iterator
from statistics import median
from typing import NamedTuple

import pytest

from billing import ledger, tenants, tokens
from billing.models import Tenant, Wallet
from relay.models import Task
from tests import load
from tests.accounts import TERMINAL, open_channel
from tests.faults.place import Place, open_place, until
from tests.proofs import prove

CLIENTS = 64
ROUNDS = 4
ROUND_SECONDS = 1.5
PRICE = 100_000
FUNDS = 10_000_000_000
# The part of the speed that must be left.
LEAST = 0.5


class Customer(NamedTuple):
    tenant: Tenant
    key: str


@pytest.fixture
def place(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("hot")
    with open_place(folder, own_database_url, drawing_seconds=0, web_workers=2) as place:
        yield place


def customer(name: str) -> Customer:
    tenant = tenants.create(name=name, group="hot")
    ledger.topup(tenant_id=tenant.pk, amount=FUNDS, reference=name, actor="test")
    return Customer(tenant, tokens.make(tenant=tenant, name="main")[1])


def speed(place: Place, keys: list[str], *, seconds: float = ROUND_SECONDS) -> float:
    """Submits in a second. What they began has ended when this returns."""
    # zzmute: no hints, which would cost the web as much as the submits.
    answers = load.run(place.stack.port, keys, seconds=seconds, prompt="zzmute")
    assert set(answers) == {200}, answers
    until(lambda: not Task.objects.exclude(status__in=TERMINAL).exists(), "the ends", seconds=60)
    return answers[200] / seconds


@pytest.mark.alone
def test_one_hot_wallet_keeps_half_the_speed_of_many(
    place: Place, record_property: Callable[[str, object], None]
) -> None:
    open_channel(place.stack, group="hot")
    many = [customer(f"cold {number}") for number in range(CLIENTS)]
    one = customer("hot")
    rounds = {"one": [one.key] * CLIENTS, "many": [each.key for each in many]}
    for keys in rounds.values():
        speed(place, keys, seconds=1)
    measured = [{name: speed(place, keys) for name, keys in rounds.items()} for _ in range(ROUNDS)]
    ratios = [pair["one"] / pair["many"] for pair in measured]
    pairs = ", ".join(f"{pair['one']:.0f}/{pair['many']:.0f}" for pair in measured)
    said = f"{CLIENTS} clients, submits/s on one wallet / on {CLIENTS}: {pairs}"
    record_property("report", f"{said}; median ratio {median(ratios):.2f}")
    for each in (*many, one):
        wallet = Wallet.objects.live(each.tenant.pk)
        tasks = Task.objects.filter(tenant=each.tenant)
        drawn = tasks.filter(status="SUCCESS").count()
        assert drawn > 0
        others = tasks.exclude(status="SUCCESS")
        assert not others, list(others.values_list("pk", "status", "fail_reason"))
        assert (wallet.balance, wallet.held) == (FUNDS - PRICE * drawn, 0)
        # One by one: who compares each task with each entry of all takes minutes.
        prove(each.tenant.pk)
    assert median(ratios) >= LEAST, said
