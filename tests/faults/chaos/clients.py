"""The tenants' clients: they submit, try again as the contract tells them to, look, follow up."""

import asyncio
import base64
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.accounts import TERMINAL
from tests.faults.chaos.accounts import Customer
from tests.faults.chaos.plan import Wish
from tests.faults.chaos.world import World

REQUEST_SECONDS = 20
LOOK_SECONDS = (1.0, 2.5)
WAIT_MAX_SECONDS = 3.0
# After the last wish they go on looking for a while, then they are gone.
PATIENCE_SHARE = 0.2
_PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    b"\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99="
    b"\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
).decode()
PICTURE = f"data:image/png;base64,{_PNG}"


@dataclass
class Said:
    """One thing that a client asked for, however often it had to say it, and what it was told."""

    label: str
    wish: Wish
    ids: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    # As it was shown, without repetitions.
    statuses: list[str] = field(default_factory=list)


@dataclass
class Records:
    """What the clients remember."""

    said: list[Said] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)

    def open(self, label: str, wish: Wish) -> Said:
        said = Said(label, wish)
        self.said.append(said)
        return said


class Clients:
    def __init__(self, world: World) -> None:
        self._world = world
        self._wishes = world.plan.wishes
        self.records = Records()
        self._began = 0.0
        self._until = world.plan.size.seconds * (1 + PATIENCE_SHARE)

    def run(self) -> None:
        """Returns when all are content, or gone."""
        # In a thread of its own: the tests of a browser leave a loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, self._run()).result()

    async def _run(self) -> None:
        self._began = time.monotonic()
        limits = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=limits, connector=connector) as session:
            living = [asyncio.create_task(self._live(session, wish)) for wish in self._wishes]
            done, late = await asyncio.wait(living, timeout=self._until)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for task in done:
            # A fault of the harness must not pass for calm.
            task.result()

    async def _live(self, session: aiohttp.ClientSession, wish: Wish) -> None:
        await asyncio.sleep(max(wish.at - (time.monotonic() - self._began), 0))
        customer = self._world.customers[wish.tenant]
        hook = self._world.receiver.hook(customer.tenant.name) if wish.has_hook else ""
        await Client(session, self._world, self.records, wish, customer, hook).live()


class Client:
    """One wish, from its submit to the end of what follows from it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        world: World,
        records: Records,
        wish: Wish,
        customer: Customer,
        hook: str,
    ) -> None:
        self._session, self._records, self._wish = session, records, wish
        self._mj = f"{world.product.url}/mj-{wish.mode}/mj"
        self._headers = {"Authorization": f"Bearer {customer.keys[wish.key]}"}
        self._hook = hook
        self._chance = random.Random(f"{world.plan.size.seed} client {wish.number}")

    async def live(self) -> None:
        task = await self._draw(f"submit/{self._wish.route}", self._body())
        if not task or not self._wish.change or self._wish.route != "imagine":
            return
        action, index = self._wish.change.split()
        change = {"taskId": task["id"], "action": action}
        change |= {"index": int(index)} if action != "REROLL" else {}
        task = await self._draw("submit/change", change, name="change")
        if task and self._wish.zoom:
            await self._zoom(task)

    def _body(self) -> dict[str, Any]:
        if self._wish.route == "describe":
            return {"base64": PICTURE}
        return {"prompt": f"a lighthouse, {self._wish.label} {self._wish.words}"}

    async def _draw(
        self, path: str, body: dict[str, Any], *, name: str = ""
    ) -> dict[str, Any] | None:
        """The task once it has succeeded; None otherwise."""
        said = self._open(name)
        answer = await self._submit(said, path, body)
        if answer is None:
            return None
        return await self._look(said, str(answer["result"]))

    async def _zoom(self, task: dict[str, Any]) -> None:
        """A button that opens a modal, where the upstream has it."""
        ids = [button["customId"] for button in task["buttons"] or ()]
        custom_id = next((one for one in ids if one.startswith("MJ::CustomZoom::")), None)
        if custom_id is None:
            return
        said = self._open("zoom")
        body = {"taskId": task["id"], "customId": custom_id}
        answer = await self._submit(said, "submit/action", body)
        if answer is None or self._wish.zoom == "leave":
            return
        modal_id = str(answer["result"])
        if self._wish.zoom == "cancel":
            await self._submit(self._open("cancel"), f"task/{modal_id}/cancel", {})
        else:
            body = {"taskId": modal_id, "prompt": f"a wider lighthouse, {said.label}"}
            await self._submit(self._open("confirm"), "submit/modal", body)
        await self._look(said, modal_id)

    def _open(self, name: str) -> Said:
        label = f"{self._wish.label}/{name}" if name else self._wish.label
        return self._records.open(label, self._wish)

    async def _submit(self, said: Said, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Says it until it is answered for good; without an Idempotency-Key, or when it does not
        come back, only once. None: it was refused, or nobody knows."""
        body = body | {"state": said.label, "notifyHook": self._hook}
        key = {"Idempotency-Key": said.label} if self._wish.is_repeatable else {}
        patience = self._wish.hangs_up or REQUEST_SECONDS
        while True:
            status, answer, wait = await self._ask("POST", path, body, key, seconds=patience)
            said.answers[str(answer.get("type") or status)] += 1
            if status == 200:
                said.ids.add(str(answer["result"]))
                return answer
            if 400 <= status < 500 and status not in (409, 429):
                return None
            is_vague = status == 0 or status >= 500
            if is_vague and not (self._wish.is_repeatable and self._wish.comes_back):
                return None
            patience = REQUEST_SECONDS
            await asyncio.sleep(wait)

    async def _look(self, said: Said, task_id: str) -> dict[str, Any] | None:
        while True:
            await asyncio.sleep(self._chance.uniform(*LOOK_SECONDS))
            status, task, _ = await self._ask("GET", f"task/{task_id}/fetch", None, {})
            if status == 404:
                said.statuses.append("NOT FOUND")
                return None
            if status != 200:
                continue
            if [task["status"]] != said.statuses[-1:]:
                said.statuses.append(task["status"])
            if task["status"] in TERMINAL:
                return task if task["status"] == "SUCCESS" else None

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        headers: dict[str, str],
        *,
        seconds: float = REQUEST_SECONDS,
    ) -> tuple[int, dict[str, Any], float]:
        """(HTTP status, answer, seconds to wait before the next try). Status 0: no answer came."""
        wait = self._chance.uniform(0.2, 1.5)
        try:
            async with asyncio.timeout(seconds):
                async with self._session.request(
                    method, f"{self._mj}/{path}", json=body, headers=self._headers | headers
                ) as response:
                    answer = await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # TimeoutError is an OSError.
            self._records.requests[f"{method} {type(error).__name__}"] += 1
            return 0, {}, wait
        self._records.requests[f"{method} {response.status}"] += 1
        wait = max(wait, float(response.headers.get("Retry-After") or 0))
        return response.status, answer, min(wait, WAIT_MAX_SECONDS)
