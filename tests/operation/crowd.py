"""Clients that go on submitting, each with what it was told."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import requests

from tests.accounts import Account


@dataclass
class Crowd:
    """`answered`: (moment, task id) of each submit that was accepted; `refused`: what else came."""

    account: Account
    size: int
    over: Event = field(default_factory=Event)
    answered: list[tuple[float, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def before(self, moment: float) -> set[str]:
        """What had been answered by then."""
        return {task for at, task in list(self.answered) if at < moment}

    def run(self, name: str) -> None:
        number = 0
        with requests.Session() as session:
            while not self.over.is_set():
                number += 1
                self._submit(session, f"{name} prompt {number}")

    def _submit(self, session: requests.Session, prompt: str) -> None:
        url = f"{self.account.stack.url}/mj/submit/imagine"
        try:
            answer = session.post(
                url, json={"prompt": prompt}, headers=self.account.headers, timeout=30
            )
        except requests.RequestException as error:
            self.refused.append(type(error).__name__)
            self.over.wait(0.05)
            return
        if answer.status_code == 200:
            self.answered.append((time.monotonic(), str(answer.json()["result"])))
        else:
            self.refused.append(f"{answer.status_code} {answer.text[:200]}")


@contextmanager
def crowd(account: Account, *, size: int = 8, make: type[Crowd] = Crowd) -> Iterator[Crowd]:
    """They submit inside; what is under way at the end is waited for."""
    made = make(account, size)
    with ThreadPoolExecutor(size) as pool:
        runs = [pool.submit(made.run, f"client {number}") for number in range(size)]
        try:
            yield made
        finally:
            made.over.set()
    for run in runs:
        run.result()
