"""Tasks as the playground shows them: children under their parents, buttons in groups."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from relay import actions
from relay.models import LIVE

Row = Mapping[str, Any]

GROUPS = (
    (_("Upscale"), ("UPSCALE", "UPSCALE_HD")),
    (_("Vary"), ("VARIATION", "LOW_VARIATION", "HIGH_VARIATION", "INPAINT")),
    (_("Zoom"), ("ZOOM", "CUSTOM_ZOOM")),
    (_("Pan"), ("PAN",)),
    (_("Again"), ("REROLL", "DESCRIBE")),
    (_("Draw"), ("IMAGINE",)),
    (_("Video"), ("VIDEO",)),
)
OTHER = _("More")
NAMES = (
    (re.compile(r"MJ::JOB::reroll::"), _("Draw again")),
    (re.compile(r"MJ::JOB::pan_left::"), pgettext_lazy("direction", "Left")),
    (re.compile(r"MJ::JOB::pan_right::"), _("Right")),
    (re.compile(r"MJ::JOB::pan_up::"), _("Up")),
    (re.compile(r"MJ::JOB::pan_down::"), _("Down")),
    (re.compile(r"MJ::Job::PicReader::all"), _("All of them")),
    (re.compile(r"MJ::Picread::Retry"), _("Describe again")),
    (re.compile(r"MJ::BOOKMARK"), _("Bookmark")),
)
_PROMPT_BUTTON = re.compile(r"MJ::Job::(?:PicReader|PromptAnalyzer)::([1-9])")
_NUMBERED = re.compile(r"^\s*([1-9])(?:\ufe0f?\u20e3|[.)])\s*", re.MULTILINE)


@dataclass(frozen=True)
class Button:
    """`is_sold`: it costs nothing, or has a price in the task's mode."""

    custom_id: str
    name: str
    price: str | None
    is_sold: bool


@dataclass(frozen=True)
class Group:
    """`price`: of each, where all cost the same."""

    label: Any
    buttons: list[Button]
    price: str | None


@dataclass(frozen=True)
class Proposal:
    """A prompt that a describe or a shorten came to."""

    text: str
    button: Button | None


@dataclass
class Thread:
    task: Row
    parent: str | None
    children: list["Thread"] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.task["id"])

    @property
    def is_live(self) -> bool:
        return self.task["status"] in LIVE

    @property
    def is_modal(self) -> bool:
        return bool(self.task["status"] == "MODAL")

    @property
    def proposals(self) -> list[Proposal]:
        if self.task["status"] != "SUCCESS" or self.task["action"] not in ("DESCRIBE", "SHORTEN"):
            return []
        return proposals(self.task)

    @property
    def groups(self) -> list[Group]:
        """What is offered as a prompt is no button besides."""
        taken = {found.button.custom_id for found in self.proposals if found.button}
        return groups([row for row in self.task["buttons"] if row["custom_id"] not in taken])


def threads(rows: Iterable[Row]) -> list[Thread]:
    """Of tasks, newest first: those whose parent is not among them, with all below them."""
    found = {str(row["id"]): Thread(row, row["parent_id"]) for row in rows}
    roots: list[Thread] = []
    for thread in found.values():
        parent = found.get(thread.parent or "")
        (parent.children if parent else roots).append(thread)
    return roots


def groups(buttons: Iterable[Row]) -> list[Group]:
    places = {action: label for label, names in GROUPS for action in names}
    labels: list[Any] = [*(label for label, _names in GROUPS), OTHER]
    sorted_in: dict[Any, list[Button]] = {label: [] for label in labels}
    for row in buttons:
        if row["custom_id"]:
            sorted_in[places.get(row["action"], OTHER)].append(_button(row))
    made = []
    for label, group in sorted_in.items():
        if group:
            prices = {button.price for button in group if button.is_sold} or {None}
            made.append(Group(label, group, prices.pop() if len(prices) == 1 else None))
    return made


def proposals(task: Row) -> list[Proposal]:
    text = task["final_prompt"] or task["prompt"]
    parts = _NUMBERED.split(text)
    numbered = dict(zip(parts[1::2], parts[2::2], strict=False))
    buttons = {
        match[1]: _button(row)
        for row in task["buttons"]
        if (match := _PROMPT_BUTTON.fullmatch(row["custom_id"]))
    }
    if not numbered:
        return [Proposal(text.strip(), None)] if text.strip() else []
    return [Proposal(said.strip(), buttons.get(number)) for number, said in numbered.items()]


def _button(row: Row) -> Button:
    is_sold = row["action"] is None or row["price"] is not None
    return Button(row["custom_id"], name_of(row), row["price"], is_sold)


def name_of(row: Row) -> str:
    """As a person says it, never by its sign alone."""
    for pattern, name in NAMES:
        if pattern.match(row["custom_id"]):
            return str(name)
    if match := _PROMPT_BUTTON.fullmatch(row["custom_id"]):
        return gettext("Prompt %s") % match[1]
    meaning = actions.meaning(row["custom_id"])
    fallback = meaning.action.name if meaning else row["custom_id"]
    return str(row["label"] or row["emoji"] or fallback)
