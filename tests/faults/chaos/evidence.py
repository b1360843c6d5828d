"""What is found when all is over: the rows, the upstreams' journals, the receiver's, the clients'
own records. Read once, then judged by verdict.py."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from billing.models import Entry, Wallet
from relay.models import Callback, Task
from tests.accounts import TERMINAL
from tests.faults.chaos import receiver
from tests.faults.chaos.accounts import Customer, by_id
from tests.faults.chaos.clients import Records
from tests.faults.chaos.operators import Operators
from tests.faults.chaos.plan import Plan, Wish
from tests.faults.chaos.receiver import Letter
from tests.faults.chaos.troubles import Happened
from tests.faults.chaos.world import World
from tests.stack import wait_until

# What an action costs; CUSTOM_ZOOM is paid when it is confirmed.
PRICE_NAMES = {
    "IMAGINE": "mj_imagine",
    "DESCRIBE": "mj_describe",
    "SHORTEN": "mj_shorten",
    "UPSCALE": "mj_upscale",
    "VARIATION": "mj_variation",
    "REROLL": "mj_reroll",
    "CUSTOM_ZOOM": "mj_modal",
}


class Arrival(NamedTuple):
    """A submit that reached an upstream. `state` is our correlation token; of a confirmation, which
    has none, the id that is confirmed."""

    upstream: str
    state: str
    is_accepted: bool

    @property
    def is_confirmation(self) -> bool:
        return self.state.startswith(CONFIRMATION)

    @property
    def task_id(self) -> int:
        """Zero for a confirmation."""
        return 0 if self.is_confirmation else int(self.state.partition(".")[0])


CONFIRMATION = "confirmation of "


@dataclass
class Evidence:
    plan: Plan
    # By the tenants' ids.
    customers: dict[int, Customer]
    records: Records
    tasks: list[Task]
    callbacks: list[Callback]
    # In the order in which they came.
    letters: list[Letter]
    arrivals: list[Arrival]
    entries: list[Entry]
    wallets: list[Wallet]
    happened: list[Happened]
    refunded: set[int]
    top_ups: int
    died: list[str]
    # What it said; empty when it found nothing.
    doctor: str
    proofs: str
    wishes: dict[str, Wish] = field(default_factory=dict)
    seconds_to_quiet: float = 0.0

    @property
    def received(self) -> list[Letter]:
        """What the receiver has taken."""
        return [letter for letter in self.letters if letter.answered == 200]

    @property
    def drawn(self) -> list[Task]:
        """What is paid for."""
        return [task for task in self.tasks if task.status == "SUCCESS" and not task.is_written_off]

    def wish_of(self, task: Task) -> Wish | None:
        """A client writes on each of its tasks, in `state`, which wish it is."""
        return self.wishes.get(task.state.partition("/")[0])

    def price_of(self, task: Task) -> int:
        """By our own table, in the mode that the client asked for."""
        wish = self.wish_of(task)
        mode = wish.mode if wish else task.mode
        return self.customers[task.tenant_id].price(PRICE_NAMES[task.action], mode)

    def captures(self) -> dict[int, int]:
        """What was paid for each task (micro-units)."""
        paid: dict[int, int] = defaultdict(int)
        for entry in self.entries:
            if entry.kind == Entry.Kind.CAPTURE:
                paid[int(entry.reference.partition(":")[0])] -= entry.amount
        return paid


def is_quiet() -> bool:
    """Nothing is under way, nothing is to be told, nothing is looked at again."""
    return not (
        Task.objects.exclude(status__in=TERMINAL).exists()
        or Task.objects.filter(late_look_at__isnull=False).exists()
        or Callback.objects.filter(state=Callback.State.PENDING).exists()
    )


def wait_for_quiet(*, seconds: float) -> None:
    """Also returns when it does not come: the verdict says what is left."""
    try:
        wait_until(is_quiet, seconds=seconds)
    except AssertionError:
        return


def gather(
    world: World, records: Records, operators: Operators, happened: list[Happened], proofs: str
) -> Evidence:
    doctor = world.doctor()
    return Evidence(
        plan=world.plan,
        customers=by_id(world.customers),
        records=records,
        tasks=list(Task.objects.order_by("id")),
        callbacks=list(Callback.objects.order_by("id")),
        letters=receiver.read(world.receiver.journal),
        arrivals=[
            _arrival(sandbox.name, submit)
            for sandbox in world.sandboxes
            for submit in sandbox.whole_submits()
        ],
        entries=list(Entry.objects.order_by("id")),
        wallets=list(Wallet.objects.all()),
        happened=sorted(happened, key=lambda one: one.began),
        refunded=operators.refunded,
        top_ups=operators.top_ups,
        died=world.died,
        doctor=doctor.stdout + doctor.stderr if doctor.returncode else "",
        proofs=proofs,
        wishes={wish.label: wish for wish in world.plan.wishes},
    )


def _arrival(upstream: str, submit: dict[str, Any]) -> Arrival:
    body = submit["body"] if isinstance(submit["body"], dict) else {}
    state = body.get("state") or f"{CONFIRMATION}{body.get('taskId')}"
    return Arrival(upstream, str(state), bool(submit["accepted"]))
