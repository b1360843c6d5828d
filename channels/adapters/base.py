"""What an adapter is: the translation between our tasks and one kind of upstream.

Adapters see plain data, never the ORM. The flow is here and in relay/lifecycle.py; an adapter
fills in the words of its upstream.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from channels.selection import Upstream


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that came with a submit. `data` is its base64 text."""

    mime: str
    data: str

    @property
    def data_url(self) -> str:
        return f"data:{self.mime};base64,{self.data}"


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be drawn. The tenant's own state and hook are not in it: they never leave us."""

    action: str
    mode: str
    bot_type: str
    prompt: str
    images: tuple[Image, ...]
    # Comes back in the upstream's `state` and so proves which of its tasks is ours.
    correlation: str
    hint_url: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The upstream has taken the task."""

    upstream_id: str
    milliseconds: int
    raw: str


@dataclass(frozen=True, slots=True)
class Update:
    """One look at a task, in the contract's words. None: the upstream does not say."""

    upstream_id: str
    correlation: str = ""
    status: str = "IN_PROGRESS"
    progress: int | None = None
    prompt_en: str | None = None
    final_prompt: str | None = None
    final_zh_prompt: str | None = None
    description: str | None = None
    fail_reason: str = ""
    image_url: str | None = None
    image_urls: list[dict[str, str]] | None = None
    video_url: str | None = None
    video_urls: list[dict[str, str]] | None = None
    buttons: list[dict[str, Any]] | None = None
    start_time: int = 0
    finish_time: int = 0
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """Tasks found by our correlation tokens. `complete`: what is not among them does not exist."""

    found: dict[str, Update]
    complete: bool


class Adapter(ABC):
    """One kind of upstream. All methods raise UpstreamError."""

    @abstractmethod
    def submit(self, upstream: Upstream, submission: Submission) -> Accepted:
        """Hands a task over, once."""

    @abstractmethod
    def poll(self, upstream: Upstream, ids: Collection[str]) -> dict[str, Update]:
        """The state of up to 200 tasks by the upstream's ids; unknown ones are missing."""

    @abstractmethod
    def find(self, upstream: Upstream, correlations: Collection[str]) -> Findings:
        """Looks for tasks whose id we never learned."""
