"""The actions as data (tenant-api, sections 3 and 3.1): the only place that knows their names."""

import re
from collections.abc import Sequence
from typing import NamedTuple


class Action(NamedTuple):
    """`price_names`: the first one that has a price counts. `opens_modal`: the upstream will ask
    for confirmation (`submit/modal`) before it draws; the confirmation is what costs."""

    name: str
    price_names: tuple[str, ...]
    opens_modal: bool = False


IMAGINE = Action("IMAGINE", ("mj_imagine",))
BLEND = Action("BLEND", ("mj_blend",))
DESCRIBE = Action("DESCRIBE", ("mj_describe",))
SHORTEN = Action("SHORTEN", ("mj_shorten",))
UPSCALE = Action("UPSCALE", ("mj_upscale",))
UPSCALE_HD = Action("UPSCALE_HD", ("mj_upscale_hd", "mj_upscale"))
VARIATION = Action("VARIATION", ("mj_variation",))
LOW_VARIATION = Action("LOW_VARIATION", ("mj_low_variation",))
HIGH_VARIATION = Action("HIGH_VARIATION", ("mj_high_variation",))
REROLL = Action("REROLL", ("mj_reroll",))
PAN = Action("PAN", ("mj_pan",))
ZOOM = Action("ZOOM", ("mj_zoom",))
CUSTOM_ZOOM = Action("CUSTOM_ZOOM", ("mj_modal",), opens_modal=True)
INPAINT = Action("INPAINT", ("mj_modal",), opens_modal=True)
EDITS = Action("EDITS", ("mj_edits",))
VIDEO = Action("VIDEO", ("mj_video",))
UPLOAD = Action("UPLOAD", ("mj_upload",))
SWAP_FACE = Action("SWAP_FACE", ("swap_face",))

ALL = (
    IMAGINE,
    BLEND,
    DESCRIBE,
    SHORTEN,
    UPSCALE,
    UPSCALE_HD,
    VARIATION,
    LOW_VARIATION,
    HIGH_VARIATION,
    REROLL,
    PAN,
    ZOOM,
    CUSTOM_ZOOM,
    INPAINT,
    EDITS,
    VIDEO,
    UPLOAD,
    SWAP_FACE,
)

# What the confirmation of a modal costs, whichever action opened it.
MODAL_PRICE_NAMES = ("mj_modal",)

CHANGES = {"UPSCALE": UPSCALE, "VARIATION": VARIATION, "REROLL": REROLL}

# The whole customId, its action, and the number in it where one is needed.
_CUSTOM_IDS = tuple(
    (re.compile(pattern), action)
    for pattern, action in (
        (r"MJ::JOB::upsample::(?P<index>[1-4])::.+", UPSCALE),
        (r"MJ::JOB::upsample_\w+::.+", UPSCALE_HD),
        (r"MJ::JOB::variation::(?P<index>[1-4])::.+", VARIATION),
        (r"MJ::JOB::low_variation::.+", LOW_VARIATION),
        (r"MJ::JOB::high_variation::.+", HIGH_VARIATION),
        (r"MJ::JOB::reroll::.+", REROLL),
        (r"MJ::JOB::pan_(?:left|right|up|down)::.+", PAN),
        (r"MJ::Outpaint::.+", ZOOM),
        (r"MJ::CustomZoom::.+", CUSTOM_ZOOM),
        (r"MJ::Inpaint::.+", INPAINT),
        (r"MJ::JOB::animate_\w+::.+", VIDEO),
        (r"MJ::JOB::video_virtual_upscale::.+", VIDEO),
        (r"MJ::Job::PicReader::(?P<index>[1-9])", IMAGINE),
        (r"MJ::Picread::Retry", DESCRIBE),
        (r"MJ::Job::PromptAnalyzer::(?P<index>[1-9])", IMAGINE),
    )
)
# Draws all the prompts of a describe: as many tasks as it has PicReader buttons.
PICREADER_ALL = "MJ::Job::PicReader::all"
# A heart on a picture: free, and no task.
BOOKMARK = "MJ::BOOKMARK"


class Meaning(NamedTuple):
    """What a customId stands for; `number` is 0 where it has none."""

    action: Action
    number: int


def meaning(custom_id: str) -> Meaning | None:
    """None for a customId that nobody knows, or a malformed one."""
    for pattern, action in _CUSTOM_IDS:
        if match := pattern.fullmatch(custom_id):
            return Meaning(action, int(match.groupdict().get("index") or 0))
    return None


def all_price_names() -> list[str]:
    """Every price name that an operator may set."""
    names = [name for action in ALL for name in action.price_names]
    return list(dict.fromkeys(names))


def names_of(price_name: str) -> Sequence[str]:
    """What is asked for when this is bought: the name, and what it is called too."""
    return _NAMES.get(price_name, (price_name,))


_NAMES = {action.price_names[0]: action.price_names for action in ALL}
