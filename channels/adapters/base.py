"""What an adapter is: the translation between our tasks and one kind of upstream.

Adapters see plain data, never the ORM. The flow is here and in relay/lifecycle; an adapter
fills in the words of its upstream.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from channels.selection import Upstream


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that came with a submit: the base64 text and type of one, or the address of one."""

    mime: str = ""
    data: str = ""
    url: str = ""

    @property
    def data_url(self) -> str:
        return f"data:{self.mime};base64,{self.data}"

    @property
    def data_url_or_address(self) -> str:
        return self.url or self.data_url


@dataclass(frozen=True, slots=True)
class Parent:
    """The finished task that a follow-up continues. `row` is the upstream's last word on it."""

    upstream_id: str
    action: str
    prompt: str
    buttons: tuple[dict[str, Any], ...]
    row: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is to be drawn. The tenant's own state and hook are not in it: they never leave us.

    A follow-up has a `parent` and either a `custom_id` (a button was pressed) or an `index` (1 to
    4; 0 for a reroll; 0 to 3 to extend a video). `action` and `mode` are the contract's words,
    the mode in lower case. The images of a face swap are (source, target).
    """

    action: str
    mode: str
    correlation: str  # comes back in the upstream's `state` and so proves which task is ours
    hint_url: str
    bot_type: str = "MID_JOURNEY"
    prompt: str = ""
    images: tuple[Image, ...] = ()
    mask: str = ""
    dimensions: str = ""
    motion: str = ""
    index: int = 0
    custom_id: str = ""
    parent: Parent | None = None
    filters: dict[str, Any] = field(default_factory=dict)


class TakenAs(enum.Enum):
    """What an upstream's yes means."""

    TASK = "task"
    # It waits for `submit/modal` before it draws.
    MODAL = "modal"
    # It knew this very task before and gave the old one's id.
    EXISTING = "existing"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The upstream has taken the task."""

    upstream_id: str
    milliseconds: int
    raw: str
    taken_as: TakenAs = TakenAs.TASK
    # What the upstream proposes in a modal, empty when it proposes nothing.
    final_prompt: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """One look at a task, in the contract's words. None: the upstream does not say.

    `prompt` is only told where the upstream writes it (DESCRIBE, SHORTEN). `mode` is the mode it
    really drew in, in lower case.
    """

    upstream_id: str
    correlation: str = ""
    status: str = "IN_PROGRESS"
    mode: str | None = None
    progress: int | None = None
    prompt: str | None = None
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
class Listing:
    """The tasks of an answer, and what stood among them that cannot be read. An id may come twice;
    while everything can be read, what is not among them does not exist."""

    rows: list[Update]
    malformed: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Findings:
    """Tasks found by our correlation tokens. `complete`: what is not among them does not exist."""

    found: dict[str, Update]
    complete: bool


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a free question found. `headroom`: tasks it could take now; None: it does not say, or
    knows no bound."""

    is_ok: bool
    milliseconds: int
    headroom: int | None = None
    error: str = ""


class Adapter(ABC):
    """One kind of upstream. All calls raise UpstreamError; none of them knows the database."""

    @abstractmethod
    def obstacle(self, submission: Submission) -> str:
        """Why this kind of upstream cannot do it, in words for the tenant; empty when it can.
        Asked before any money moves; makes no call."""

    @abstractmethod
    def submit(self, upstream: Upstream, submission: Submission) -> Accepted:
        """Hands a task over, once."""

    @abstractmethod
    def confirm(self, upstream: Upstream, submission: Submission, upstream_id: str) -> Accepted:
        """Confirms a modal with `submission.prompt` and `submission.mask`, once."""

    @abstractmethod
    def upload(self, upstream: Upstream, submission: Submission) -> list[str]:
        """Uploads `submission.images`; the addresses they have there, in the same order."""

    @abstractmethod
    def image_seed(self, upstream: Upstream, upstream_id: str) -> str:
        """The seed of a finished picture, as a string of digits."""

    @abstractmethod
    def poll(self, upstream: Upstream, ids: Collection[str]) -> Listing:
        """The state of up to 200 tasks with these ids of the upstream; unknown ones are missing,
        and others are left out."""

    @abstractmethod
    def find(self, upstream: Upstream, correlations: Collection[str]) -> Findings:
        """Looks for tasks whose id we never learned."""

    @abstractmethod
    def probe(self, upstream: Upstream) -> ProbeResult:
        """Asks whether it is there and takes our credential, and how much room it has. Free: it
        draws nothing. Raises nothing."""
