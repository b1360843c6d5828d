"""What a button's customId means to trueai: the action, the result, and whether a modal opens.

trueai 11.10, its SubmitController: the first beginning that fits counts. Until v9.5.0 some actions
had other names; for those not heard of there the name is a guess.
"""

import re
from dataclasses import dataclass

from .trueai_buttons import Result
from .trueai_tasks import TrueAiTask

PARENTS_OWN = "(as its parent)"


@dataclass(frozen=True, slots=True)
class Kind:
    beginning: str
    action: str
    result: Result
    old_action: str


DESCRIBED_AGAIN = Kind("MJ::Picread::Retry", "DESCRIBE", Result.PROMPTS, "DESCRIBE")
KINDS = (
    Kind("MJ::JOB::upsample::", "UPSCALE", Result.SINGLE, "UPSCALE"),
    Kind("MJ::JOB::video_virtual_upscale", "UPSCALE", Result.ONE_VIDEO, "UPSCALE"),
    Kind("MJ::JOB::variation::", "VARIATION", Result.GRID, "VARIATION"),
    Kind("MJ::JOB::reroll::", PARENTS_OWN, Result.GRID, "REROLL"),
    Kind("MJ::JOB::high_variation::", "VARIATION", Result.GRID, "VARIATION"),
    Kind("MJ::JOB::low_variation::", "VARIATION", Result.GRID, "VARIATION"),
    Kind("MJ::Outpaint::", "ZOOM", Result.GRID, "ACTION"),
    Kind("MJ::JOB::pan_", "PAN", Result.GRID, "PAN"),
    Kind("MJ::JOB::upsample_", "UPSCALE_HD", Result.SINGLE, "ACTION"),
    Kind("MJ::CustomZoom::", "ZOOM", Result.GRID, "ACTION"),
    Kind("MJ::Inpaint::", "VARIATION", Result.GRID, "INPAINT"),
    Kind("MJ::JOB::animate_", "VIDEO", Result.VIDEOS, "VIDEO"),
    DESCRIBED_AGAIN,
    Kind("MJ::Job::PicReader", "IMAGINE", Result.GRID, "ACTION"),
)
ANYTHING_ELSE = Kind("", "ACTION", Result.GRID, "ACTION")

BOOKMARK = "MJ::BOOKMARK"
PICTURE_READER = "MJ::Job::PicReader::"
ALL_PROMPTS = "MJ::Job::PicReader::all"
REROLL = "MJ::JOB::reroll::"
ALWAYS_MODAL = ("MJ::CustomZoom::", "MJ::Inpaint::")
REMIXED_ACTIONS = ("PAN", "VARIATION", "VIDEO")

# A reroll takes its parent's own action; that of an upscaled picture is an imagine.
REROLLABLE = {
    **{
        action: action
        for action in (
            "IMAGINE", "VARIATION", "BLEND", "ZOOM", "PAN", "VIDEO", "EDIT", "RETEXTURE"
        )
    },
    "UPSCALE": "IMAGINE",
    "UPSCALE_HD": "IMAGINE",
}  # fmt: skip

SINGLE_OUT = re.compile(r"MJ::JOB::(upsample|variation|video_virtual_upscale)::([^:]*)")


def kind_of(custom_id: str) -> Kind | None:
    """trueai 11.10: only the retry of a description may stand anywhere in the text."""
    for kind in KINDS:
        if custom_id.startswith(kind.beginning):
            return kind
    return DESCRIBED_AGAIN if DESCRIBED_AGAIN.beginning in custom_id else None


def index_of(custom_id: str) -> int | None:
    """Which of four pictures, 1 to 4; None for a customId without a place. 0: there is no such."""
    found = SINGLE_OUT.match(custom_id)
    if found is None:
        return None
    return int(found[2]) if found[2] in ("1", "2", "3", "4") else 0


def opens_modal(custom_id: str, kind: Kind, *, asks_for_remix: bool, account_remix: str) -> bool:
    """trueai 11.10: always for a zoom of one's own, a region and one described prompt; with remix
    for what remix can change, be it the caller's wish or an account that does not submit itself.
    """
    if custom_id.startswith(ALWAYS_MODAL) or _is_one_prompt(custom_id):
        return True
    return can_be_remixed(custom_id, kind) and (asks_for_remix or account_remix == "ask")


def can_be_remixed(custom_id: str, kind: Kind) -> bool:
    return kind.action in REMIXED_ACTIONS or custom_id.startswith(REROLL)


def _is_one_prompt(custom_id: str) -> bool:
    return custom_id.startswith(PICTURE_READER) and custom_id != ALL_PROMPTS


def described(custom_id: str, parent: TrueAiTask) -> str:
    """The task's description. trueai names its parent's id here for what /up once did."""
    place = index_of(custom_id)
    if custom_id.startswith(REROLL):
        return f"/up {parent.id} R"
    if place is not None:
        letter = "V" if "::variation::" in custom_id else "U"
        return f"/up {parent.id} {letter}{place}"
    return f"/action {parent.id} {custom_id}"
