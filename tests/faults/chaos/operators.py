"""What the operators do meanwhile: top-ups and refunds, until they know that it is booked."""

import threading
import time
from contextlib import suppress

from django.db import DatabaseError, IntegrityError, connection

from billing import ledger
from billing.errors import NothingCaptured, RefundRefused
from relay.models import Task
from relay.operators import refunds
from tests.faults.chaos.plan import Money
from tests.faults.chaos.world import World

ACTOR = "chaos operator"
AGAIN_SECONDS = 0.5


class Operators:
    def __init__(self, world: World) -> None:
        self._world = world
        self._thread = threading.Thread(target=self._run, daemon=True)
        # Tasks whose whole price was given back.
        self.refunded: set[int] = set()
        self.top_ups = 0
        # Which task a refund is about stays the same over all tries.
        self._chosen: dict[str, Task] = {}

    def begin(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        for number, work in enumerate(self._world.plan.money):
            if self._world.over.wait(max(work.at - (time.monotonic() - began), 0)):
                break
            while not self._done(work, f"chaos-money-{number}"):
                if self._world.over.wait(AGAIN_SECONDS):
                    break
        connection.close()

    def _done(self, work: Money, reference: str) -> bool:
        try:
            if work.kind == "topup":
                self._top_up(work, reference)
            else:
                self._refund(work, reference)
        except DatabaseError:
            connection.close()
            return False
        return True

    def _top_up(self, work: Money, reference: str) -> None:
        customer = self._world.customers[work.tenant]
        # Refused when it was booked the first time, and the answer was lost.
        with suppress(IntegrityError):
            ledger.topup(
                tenant_id=customer.tenant.pk, amount=work.amount, reference=reference, actor=ACTOR
            )
        customer.paid_in += work.amount
        self.top_ups += 1

    def _refund(self, work: Money, reference: str) -> None:
        task = self._chosen.get(reference) or self._choose(work)
        if task is None:
            return
        self._chosen[reference] = task
        try:
            refunds.refund(task, amount=None, actor=ACTOR, memo="chaos", refunded_before=0)
        except RefundRefused:
            # Likewise: nobody else refunds anything.
            pass
        except NothingCaptured:
            # Drawn late, and written off.
            return
        self.refunded.add(task.pk)

    def _choose(self, work: Money) -> Task | None:
        tenant = self._world.customers[work.tenant].tenant
        drawn = Task.objects.filter(tenant=tenant, status="SUCCESS", is_test=False)
        return drawn.exclude(pk__in=self.refunded).order_by("id").first()
