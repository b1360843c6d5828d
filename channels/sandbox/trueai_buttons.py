"""The buttons below a result of trueai, by what kind of result it is.

trueai 11.10: labels, emojis and customIds as its own code makes them for official and partner
accounts; for Discord accounts it passes on Discord's, which differ in CustomZoom and BOOKMARK.
"""

import re
from collections.abc import Callable
from enum import StrEnum

Button = dict[str, object]

VERSION = re.compile(r"--(v|niji)\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
DEFAULT_VERSION = "v 7"
KEYCAPS = {1: "1️⃣", 2: "2️⃣", 3: "3️⃣", 4: "4️⃣"}
PANS = {"left": "⬅️", "right": "➡️", "up": "⬆️", "down": "⬇️"}
SUBTLE_AND_CREATIVE = {"2x_subtle": "Subtle", "2x_creative": "Creative"}
TWICE_AND_FOUR_TIMES = {"2x": "2x", "4x": "4x"}
# The middle of an upscaler's name by Midjourney's version; none since v8.
UPSCALERS = {"5": "v5", "5.1": "v5", "5.2": "v5", "6": "v6", "6.1": "v6r1", "7": "v7"}


class Result(StrEnum):
    """What comes out of a task."""

    GRID = "four pictures"
    SINGLE = "one picture"
    VIDEOS = "up to four videos"
    ONE_VIDEO = "one video"
    PROMPTS = "what a picture was described with"
    SHORTENED = "shorter prompts"
    PLAIN = "one picture without buttons"


def version_of(prompt: str) -> str:
    """ "v 7" or "niji 6", by the prompt's last flag."""
    found = VERSION.findall(prompt)
    return f"{found[-1][0].lower()} {found[-1][1]}" if found else DEFAULT_VERSION


def buttons(result: Result, *, job: str, version: str, is_partner: bool) -> list[Button]:
    if result is Result.SINGLE:
        return _single(job, number=version.split(" ")[1], is_partner=is_partner)
    make = _MAKERS.get(result)
    return make(job) if make else []


def _grid(job: str) -> list[Button]:
    return [
        *(_button(f"MJ::JOB::upsample::{n}::{job}", label=f"U{n}") for n in KEYCAPS),
        _button(f"MJ::JOB::reroll::0::{job}::SOLO", emoji="🔄"),
        *(_button(f"MJ::JOB::variation::{n}::{job}", label=f"V{n}") for n in KEYCAPS),
    ]


def _single(job: str, *, number: str, is_partner: bool) -> list[Button]:
    version = float(number)
    found = _upscalers(job, UPSCALERS.get(number))
    found += [
        _button(f"MJ::JOB::low_variation::1::{job}::SOLO", label="Vary (Subtle)", emoji="🪄"),
        _button(f"MJ::JOB::high_variation::1::{job}::SOLO", label="Vary (Strong)", emoji="🪄"),
    ]
    if version >= 5:
        inpaint = f"MJ::Inpaint::1::{job}::SOLO"
        found.append(_button(inpaint, label="Vary (Region)", emoji="🖌️"))
    zoom = f"MJ::CustomZoom::1::{job}" if is_partner else f"MJ::CustomZoom::{job}"
    found += [
        _button(f"MJ::Outpaint::50::1::{job}::SOLO", label="Zoom Out 2x", emoji="🔍"),
        _button(f"MJ::Outpaint::75::1::{job}::SOLO", label="Zoom Out 1.5x", emoji="🔍"),
        _button(zoom, label="Custom Zoom", emoji="🔍"),
    ]
    if 5 <= version < 8:
        found += [
            _button(f"MJ::JOB::pan_{side}::1::{job}::SOLO", emoji=emoji)
            for side, emoji in PANS.items()
        ]
    found += [
        _button(
            f"MJ::JOB::animate_{motion}::1::{job}::SOLO",
            label=f"Animate ({motion.title()} motion)",
            emoji="🎞️",
        )
        for motion in ("high", "low")
    ]
    if not is_partner:
        found.append(_button(f"MJ::BOOKMARK::{job}", emoji="❤️"))
    return found


def _upscalers(job: str, name: str | None) -> list[Button]:
    if name is None:
        return []
    kinds = TWICE_AND_FOUR_TIMES if name == "v5" else SUBTLE_AND_CREATIVE
    return [
        _button(
            f"MJ::JOB::upsample_{name}_{kind}::1::{job}::SOLO",
            label=f"Upscale ({label})",
            emoji="upscale_1",
        )
        for kind, label in kinds.items()
    ]


def _videos(job: str) -> list[Button]:
    return [
        *(_button(f"MJ::JOB::video_virtual_upscale::{n}::{job}", label=f"U{n}") for n in KEYCAPS),
        _button(f"MJ::JOB::reroll::0::{job}::SOLO", emoji="🔄"),
    ]


def _one_video(job: str) -> list[Button]:
    return [
        _button(f"MJ::JOB::animate_{motion}_extend::1::{job}", label=f"Extend ({label})")
        for motion, label in (("high", "High"), ("low", "Low"))
    ]


def _prompts(_job: str) -> list[Button]:
    return [
        *(_button(f"MJ::Job::PicReader::{n}", emoji=keycap) for n, keycap in KEYCAPS.items()),
        _button("MJ::Picread::Retry", emoji="🔄"),
        _button("MJ::Job::PicReader::all", label="Imagine all", emoji="🎉"),
    ]


def _shortened(_job: str) -> list[Button]:
    return [_button(f"MJ::Job::PromptAnalyzer::{n}", emoji=k) for n, k in KEYCAPS.items()]


_MAKERS: dict[Result, Callable[[str], list[Button]]] = {
    Result.GRID: _grid,
    Result.VIDEOS: _videos,
    Result.ONE_VIDEO: _one_video,
    Result.PROMPTS: _prompts,
    Result.SHORTENED: _shortened,
}


def _button(custom_id: str, *, label: str = "", emoji: str = "") -> Button:
    """Of type 2, and grey: trueai shows 1 for primary and 3 for a button already used."""
    return {"customId": custom_id, "emoji": emoji, "label": label, "style": 2, "type": 2}
