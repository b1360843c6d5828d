"""Every submit route and button of the contract as a table, and what each kind of upstream makes
of it (tenant-api, sections 3 and 3.1)."""

import base64
from dataclasses import dataclass, field
from typing import Any

from relay.api.schema import examples

PROMPT, PHOTO, PORTRAIT = examples.PROMPT, examples.PHOTO, examples.PORTRAIT
NAVY, RED, MASK = examples.NAVY, examples.RED, examples.MASK

# Kinds of upstream, and older versions of one that a caller can tell apart.
NARROW, TRUEAI, NEWAPI = "midjourney_proxy", "trueai", "newapi"
TRUEAI_9, TRUEAI_11 = "trueai 9.5", "trueai 11.0"
DIALECTS = (NARROW, TRUEAI, NEWAPI, TRUEAI_9, TRUEAI_11)
# The mode that a prefix means.
PREFIXES = {
    "/mj": "FAST",
    "/v1/mj": "FAST",
    "/fast/mj": "FAST",
    "/relax/mj": "RELAX",
    "/turbo/mj": "TURBO",
    "/mj-fast/mj": "FAST",
    "/mj-relax/mj": "RELAX",
    "/mj-turbo/mj": "TURBO",
}

# Refused with 400: we know that this kind cannot do it, and nothing is written or sent.
BEFORE = "refused before money moves"
# Refused with 400: it was asked, said no, and the money is free again.
ASKED = "refused by the upstream"


@dataclass(frozen=True, kw_only=True)
class Row:
    """`parent` names a task of tests/api/upstreams.py. `button` is the beginning of the customId;
    where the parent has no such button, the client makes it up. `no` says who refuses it, and how.
    `opens_modal`: at these upstreams it waits for `submit/modal`, which is sent with `modal`.
    """

    name: str
    action: str
    price: str
    route: str = "submit/action"
    body: dict[str, Any] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes, str]] | None = None
    parent: str = ""
    button: str = ""
    no: dict[str, str] = field(default_factory=dict)
    opens_modal: tuple[str, ...] = ()
    modal: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def price_at(self, dialect: str) -> str:
        return "mj_modal" if dialect in self.opens_modal else self.price


def _bytes(data_url: str) -> bytes:
    return base64.b64decode(data_url.partition(",")[2])


def _button(name: str, action: str, price: str, button: str, **more: Any) -> Row:
    """A button that midjourney-proxy 2.x does not have."""
    more.setdefault("parent", "single")
    more["no"] = {NARROW: BEFORE} | more.get("no", {})
    return Row(name=name, action=action, price=price, button=button, **more)


NOT_NARROW = {NARROW: BEFORE}
# new-api knows no buttons below descriptions, shortened prompts and videos.
UNKNOWN_TO_NEWAPI = {NARROW: BEFORE, NEWAPI: ASKED}
# trueai has no word for it any more since 11.0.
UNKNOWN_TO_MOST = UNKNOWN_TO_NEWAPI | {TRUEAI: ASKED, TRUEAI_11: ASKED}
ALL_TRUEAI = (TRUEAI, TRUEAI_9, TRUEAI_11)
WIDE = (*ALL_TRUEAI, NEWAPI)
FACES = {
    "source": ("face.png", _bytes(NAVY), "image/png"),
    "target": ("photo.png", _bytes(RED), "image/png"),
}

NEW = (
    Row(
        name="imagine",
        route="submit/imagine",
        body={"prompt": PROMPT},
        action="IMAGINE",
        price="mj_imagine",
    ),
    Row(
        name="imagine, pictures",
        route="submit/imagine",
        body={"prompt": PROMPT, "base64Array": [NAVY, RED], "botType": "NIJI_JOURNEY"},
        action="IMAGINE",
        price="mj_imagine",
    ),
    Row(
        name="imagine, address",
        route="submit/imagine",
        body={"prompt": PROMPT, "base64Array": [PHOTO]},
        action="IMAGINE",
        price="mj_imagine",
    ),
    Row(
        name="blend",
        route="submit/blend",
        body={"base64Array": [NAVY, RED], "dimensions": "PORTRAIT"},
        action="BLEND",
        price="mj_blend",
    ),
    Row(
        name="describe",
        route="submit/describe",
        body={"base64": NAVY},
        action="DESCRIBE",
        price="mj_describe",
    ),
    Row(
        name="describe, address",
        route="submit/describe",
        body={"link": PHOTO},
        action="DESCRIBE",
        price="mj_describe",
        no=NOT_NARROW,
    ),
    Row(
        name="shorten",
        route="submit/shorten",
        body={"prompt": PROMPT},
        action="SHORTEN",
        price="mj_shorten",
        no=NOT_NARROW,
    ),
    *(
        Row(
            name=name,
            route=f"submit/{route}",
            body={"prompt": "a red roof", "image": NAVY, **mask},
            action="EDITS",
            price="mj_edits",
            no=NOT_NARROW,
        )
        for name, route, mask in (
            ("edits", "edits", {}),
            ("edits, mask", "edits", {"maskBase64": MASK}),
            ("edit", "edit", {}),
        )
    ),
    *(
        Row(
            name=name,
            route="submit/video",
            body={"prompt": "waves", "motion": "high", **image},
            action="VIDEO",
            price="mj_video",
            no=NOT_NARROW,
        )
        for name, image in (
            ("video", {"image": NAVY}),
            ("video, base64", {"base64": NAVY}),
            ("video, address", {"image": PHOTO}),
        )
    ),
    Row(
        name="swap",
        route="insight-face/swap",
        body={"sourceBase64": NAVY, "targetBase64": RED},
        action="SWAP_FACE",
        price="swap_face",
        no=NOT_NARROW,
    ),
    Row(
        name="swap, addresses",
        route="insight-face/swap",
        body={"sourceUrl": PORTRAIT, "targetUrl": PHOTO},
        action="SWAP_FACE",
        price="swap_face",
        no={NARROW: BEFORE, NEWAPI: BEFORE},
    ),
    Row(
        name="swap, form",
        route="insight-face/swap",
        files=FACES,
        action="SWAP_FACE",
        price="swap_face",
        no=NOT_NARROW,
    ),
    Row(
        name="upload",
        route="submit/upload-discord-images",
        body={"base64Array": [NAVY, RED]},
        action="UPLOAD",
        price="mj_upload",
        no=NOT_NARROW,
    ),
)

CHANGES = tuple(
    Row(
        name=f"{route} {action.lower()}",
        route=f"submit/{route}",
        body=body,
        parent="grid",
        action=action,
        price=f"mj_{action.lower()}",
    )
    for action, index, word in (("UPSCALE", 2, "u3"), ("VARIATION", "4", "V1"), ("REROLL", 0, "R"))
    for route, body in (
        ("change", {"action": action} | ({"index": index} if index else {})),
        ("simple-change", {"content": word}),
    )
)

BUTTONS = (
    Row(
        name="U", parent="grid", button="MJ::JOB::upsample::3::", action="UPSCALE",
        price="mj_upscale",
    ),
    Row(
        name="V", parent="grid", button="MJ::JOB::variation::2::", action="VARIATION",
        price="mj_variation",
    ),
    Row(
        name="reroll", parent="grid", button="MJ::JOB::reroll::0::", action="REROLL",
        price="mj_reroll",
    ),
    *(
        _button(f"upscale {kind}", "UPSCALE_HD", "mj_upscale_hd", f"MJ::JOB::upsample_{kind}::1::")
        for kind in (
            "v7_2x_subtle", "v7_2x_creative", "v6_2x_subtle", "v6r1_2x_creative", "v5_2x", "v5_4x"
        )
    ),
    _button("vary subtle", "LOW_VARIATION", "mj_low_variation", "MJ::JOB::low_variation::1::"),
    _button("vary strong", "HIGH_VARIATION", "mj_high_variation", "MJ::JOB::high_variation::1::"),
    *(
        _button(f"pan {side}", "PAN", "mj_pan", f"MJ::JOB::pan_{side}::1::")
        for side in ("left", "right", "up", "down")
    ),
    *(
        _button(f"zoom {share}", "ZOOM", "mj_zoom", f"MJ::Outpaint::{share}::1::")
        for share in (50, 75, 100)
    ),
    _button(
        "custom zoom", "CUSTOM_ZOOM", "mj_modal", "MJ::CustomZoom::",
        opens_modal=WIDE, modal={"prompt": f"{PROMPT} --zoom 1.8"},
    ),
    _button("custom zoom, as proposed", "CUSTOM_ZOOM", "mj_modal", "MJ::CustomZoom::",
            opens_modal=WIDE),
    _button(
        "inpaint", "INPAINT", "mj_modal", "MJ::Inpaint::1::",
        opens_modal=WIDE, modal={"prompt": "a boat", "maskBase64": MASK},
    ),
    *(
        _button(f"animate {motion}", "VIDEO", "mj_video", f"MJ::JOB::animate_{motion}::1::",
                no=UNKNOWN_TO_NEWAPI)
        for motion in ("high", "low")
    ),
    _button(
        "video U", "VIDEO", "mj_video", "MJ::JOB::video_virtual_upscale::2::",
        parent="video", no=UNKNOWN_TO_NEWAPI,
    ),
    _button(
        "animate extend", "VIDEO", "mj_video", "MJ::JOB::animate_high_extend::1::",
        parent="clip", no=UNKNOWN_TO_NEWAPI,
    ),
    Row(
        name="video extend",
        route="submit/video",
        body={"action": "extend", "index": 1, "motion": "low"},
        parent="video",
        action="VIDEO",
        price="mj_video",
        no=NOT_NARROW,
    ),
    _button(
        "described 1", "IMAGINE", "mj_modal", "MJ::Job::PicReader::1",
        parent="description", no=UNKNOWN_TO_NEWAPI, opens_modal=ALL_TRUEAI,
    ),
    _button(
        "described all", "IMAGINE", "mj_modal", "MJ::Job::PicReader::all",
        parent="description", no=UNKNOWN_TO_NEWAPI, opens_modal=ALL_TRUEAI,
    ),
    _button(
        "describe again", "DESCRIBE", "mj_describe", "MJ::Picread::Retry",
        parent="description", no=UNKNOWN_TO_NEWAPI,
    ),
    _button(
        "shortened 1", "IMAGINE", "mj_imagine", "MJ::Job::PromptAnalyzer::1",
        parent="shortening", no=UNKNOWN_TO_MOST,
    ),
)  # fmt: skip

ROWS = (*NEW, *CHANGES, *BUTTONS)
