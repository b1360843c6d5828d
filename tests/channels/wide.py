"""What the tests of the adapters for the wide API (trueai, new-api) share."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.adapters import adapter_for
from channels.adapters.base import Accepted, Image, Parent, Submission, Update
from channels.errors import Rejected
from channels.selection import Upstream
from tests.channels.proxy import answering, upstream

PAYLOADS = Path(__file__).parents[1] / "payloads"
STATE = "1795218527890011.c2lnbmF0dXJl"
HOOK = "http://relay.example/hints/1.x"
PNG = Image(mime="image/png", data="iVBORw0K")
DATA = "data:image/png;base64,iVBORw0K"
LINK = Image(url="https://tenant.example/photo.png")
HASH = "7f4b2c1e-46b4-4f3a-9e1d-3c3b6c7a9f10"
GRID = Parent(
    upstream_id="1712204995849323",
    action="IMAGINE",
    prompt="a lighthouse",
    buttons=(
        {"customId": f"MJ::JOB::upsample::2::{HASH}"},
        {"customId": f"MJ::JOB::reroll::0::{HASH}::SOLO"},
        {"customId": f"MJ::JOB::variation::4::{HASH}"},
    ),
    row={},
)
BARE = replace(GRID, buttons=())

IMAGINE = {"botType": "MID_JOURNEY", "prompt": "a lighthouse", "base64Array": [DATA]}
PRESS = {"taskId": GRID.upstream_id}


def submission(action: str = "IMAGINE", **fields: Any) -> Submission:
    details = {"mode": "relax", "correlation": STATE, "hint_url": HOOK} | fields
    return Submission(action=action, **details)


# What is submitted, the route below the prefix, and the body.
NEW: dict[str, tuple[Submission, str, dict[str, Any]]] = {
    "imagine": (
        submission(prompt="a lighthouse", images=(PNG,)), "submit/imagine", IMAGINE
    ),
    "imagine, address": (
        submission(prompt="a lighthouse", images=(LINK,), bot_type="NIJI_JOURNEY"),
        "submit/imagine",
        {
            "botType": "NIJI_JOURNEY",
            "prompt": "https://tenant.example/photo.png a lighthouse",
            "base64Array": [],
        },
    ),
    "blend": (
        submission("BLEND", images=(PNG, LINK)),
        "submit/blend",
        {"botType": "MID_JOURNEY", "base64Array": [DATA, LINK.url], "dimensions": "SQUARE"},
    ),
    "describe": (
        submission("DESCRIBE", images=(PNG,)),
        "submit/describe",
        {"botType": "MID_JOURNEY", "base64": DATA},
    ),
    "describe, address": (
        submission("DESCRIBE", images=(LINK,)),
        "submit/describe",
        {"botType": "MID_JOURNEY", "link": LINK.url},
    ),
    "shorten": (
        submission("SHORTEN", prompt="long"),
        "submit/shorten",
        {"botType": "MID_JOURNEY", "prompt": "long"},
    ),
    "edits": (
        submission("EDITS", prompt="red", images=(PNG,), mask="AAAA"),
        "submit/edits",
        {"prompt": "red", "image": DATA, "maskBase64": "AAAA"},
    ),
    "video": (
        submission("VIDEO", prompt="waves", images=(LINK,), motion="high"),
        "submit/video",
        {"prompt": "waves", "image": LINK.url, "motion": "high"},
    ),
    "swap": (
        submission("SWAP_FACE", images=(PNG, replace(PNG, data="AAAA"))),
        "insight-face/swap",
        {"sourceBase64": DATA, "targetBase64": "data:image/png;base64,AAAA"},
    ),
}  # fmt: skip
FOLLOW_UPS: dict[str, tuple[Submission, str, dict[str, Any]]] = {
    "upscale": (
        submission("UPSCALE", parent=GRID, index=2),
        "submit/action",
        PRESS | {"customId": f"MJ::JOB::upsample::2::{HASH}"},
    ),
    "variation": (
        submission("VARIATION", parent=GRID, index=4),
        "submit/action",
        PRESS | {"customId": f"MJ::JOB::variation::4::{HASH}"},
    ),
    "reroll": (
        submission("REROLL", parent=GRID),
        "submit/action",
        PRESS | {"customId": f"MJ::JOB::reroll::0::{HASH}::SOLO"},
    ),
    "button": (
        submission("PAN", parent=BARE, custom_id="MJ::JOB::pan_left::1::x::SOLO"),
        "submit/action",
        PRESS | {"customId": "MJ::JOB::pan_left::1::x::SOLO"},
    ),
    "video extend": (
        submission("VIDEO", parent=GRID, index=3),
        "submit/video",
        PRESS | {"action": "extend", "index": 3, "prompt": "a lighthouse", "motion": "low"},
    ),
}


class Wide:
    """One of the two adapters, and an upstream that answers as a test tells it to."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.adapter = adapter_for(kind)

    def upstream(self, url: str, *, secret: str = "") -> Upstream:
        return replace(upstream(url, secret=secret), kind=self.kind)

    def payload(self, name: str) -> dict[str, Any]:
        path = PAYLOADS / self.kind / f"{name}.json"
        row: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return row

    def payloads(self) -> set[str]:
        return {path.stem for path in (PAYLOADS / self.kind).glob("*.json")}

    def update(self, name: str) -> Update:
        return self.adapter.to_update(self.payload(name))

    def submitted(self, payload: Any, status: int = 200) -> Accepted:
        with answering(payload, status) as server:
            return self.adapter.submit(self.upstream(server.url), NEW["imagine"][0])

    def rejected(self, payload: Any, status: int = 200) -> Rejected:
        with pytest.raises(Rejected) as raised:
            self.submitted(payload, status)
        return raised.value

    def sent(self, what: Submission) -> tuple[str, dict[str, str], dict[str, Any]]:
        """Path, headers and body of the request that hands it over."""
        with answering({"code": 1, "result": "7"}) as server:
            self.adapter.submit(self.upstream(server.url, secret="open sesame"), what)
        ((_, path, headers, body),) = server.asked
        return path, headers, json.loads(body)


def result(code: Any, description: str = "…", **fields: Any) -> dict[str, Any]:
    return {"code": code, "description": description, "result": None, "properties": {}} | fields
