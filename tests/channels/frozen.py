"""A clock that stands still until a test moves it: the database's, Django's and selection's."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from channels import selection
from tests import clock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FrozenClock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        monkeypatch.setattr(timezone, "now", lambda: self.now)
        stopped = SimpleNamespace(time=lambda: self.now.timestamp())
        monkeypatch.setattr(selection, "time", stopped)

    @property
    def passed(self) -> float:
        """Seconds since it was started."""
        return (self.now - START).total_seconds()

    def at(self, seconds: float) -> None:
        """So many seconds after the start."""
        self.now = START + timedelta(seconds=seconds)
        clock.set_clock(self.now)

    def forward(self, seconds: float) -> None:
        self.at(self.passed + seconds)
