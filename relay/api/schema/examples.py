"""The examples of the schema. tests/api/test_examples.py sends every one of them.

By operation and name; the name is also the key of a text in `examples`.
"""

from typing import Any

from django.conf import settings

Examples = dict[str, dict[str, Any]]

TASK, OTHER, MODAL, NEW = (f"172033371802{n}" for n in ("2739", "2740", "4117", "5006"))
HASH = "3f0c9e1a-7b52-4d0e-9c55-2f6a1d8b7e40"
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICA"
NAVY = f"{PNG}IAAABLbSncAAAAFUlEQVR42mNkYGhgwAaYGHCAwSkBAGmIAJB8a3rwAAAAAElFTkSuQmCC"
RED = f"{PNG}IAAABLbSncAAAAFUlEQVR42mP8n+zOgA0wMeAAg1MCAFCFAbmpdilGAAAAAElFTkSuQmCC"
GREEN = f"{PNG}IAAABLbSncAAAAFUlEQVR42mPU6w5nwAaYGHCAwSkBANk/ASBQK2gQAAAAAElFTkSuQmCC"
MASK = f"{PNG}AAAADhZOFXAAAAEElEQVR42mP8zwABTAwUMQBJQQEPkWFcdwAAAABJRU5ErkJggg=="
PHOTO, PORTRAIT = "https://example.com/photo.png", "https://example.com/portrait.png"
HOOK = "https://example.com/hooks/mj"

PROMPT = "a lighthouse at dawn, oil on canvas"


def _button(custom_id: str) -> dict[str, str]:
    return {"taskId": TASK, "customId": custom_id}


REQUESTS: Examples = {
    "imagine": {
        "words_only": {"prompt": f"{PROMPT} --ar 16:9"},
        "with_everything": {
            "prompt": PROMPT,
            "base64Array": [NAVY],
            "botType": "NIJI_JOURNEY",
            "mode": "RELAX",
            "notifyHook": HOOK,
            "state": "order 7",
            "accountFilter": {"modes": ["RELAX"], "remark": "studio"},
        },
    },
    "blend": {
        "two_pictures": {"base64Array": [NAVY, RED]},
        "portrait": {"base64Array": [NAVY, RED, GREEN], "dimensions": "PORTRAIT"},
    },
    "describe": {"a_picture": {"base64": NAVY}, "an_address": {"link": PHOTO}},
    "shorten": {"a_prompt": {"prompt": f"a very beautiful and highly detailed {PROMPT}"}},
    "edits": {
        "whole_picture": {"prompt": "make it night", "image": NAVY},
        "masked": {"prompt": "a red roof", "image": NAVY, "maskBase64": MASK},
    },
    "edit": {"whole_picture": {"prompt": "make it night", "image": NAVY}},
    "video": {
        "from_a_picture": {"prompt": "waves roll in", "image": NAVY, "motion": "high"},
        "extend": {"action": "extend", "taskId": TASK, "index": 0},
    },
    "upload": {"two_pictures": {"base64Array": [NAVY, RED]}},
    "swap": {
        "faces": {"sourceBase64": NAVY, "targetBase64": RED},
        "addresses": {"sourceUrl": PORTRAIT, "targetUrl": PHOTO},
    },
    "change": {
        "upscale": {"taskId": TASK, "action": "UPSCALE", "index": 2},
        "variation": {"taskId": TASK, "action": "VARIATION", "index": "4"},
        "reroll": {"taskId": TASK, "action": "REROLL"},
    },
    "simple_change": {
        "upscale": {"content": f"{TASK} U2"},
        "variation": {"content": f"{TASK} V4"},
        "reroll": {"content": f"{TASK} R"},
    },
    "action": {
        "upscale_button": _button(f"MJ::JOB::upsample::1::{HASH}"),
        "variation_button": _button(f"MJ::JOB::variation::4::{HASH}"),
        "reroll_button": _button(f"MJ::JOB::reroll::0::{HASH}::SOLO"),
        "upscale_hd_button": _button(f"MJ::JOB::upsample_v7_2x_subtle::1::{HASH}::SOLO"),
        "low_variation_button": _button(f"MJ::JOB::low_variation::1::{HASH}::SOLO"),
        "high_variation_button": _button(f"MJ::JOB::high_variation::1::{HASH}::SOLO"),
        "pan_button": _button(f"MJ::JOB::pan_left::1::{HASH}::SOLO"),
        "zoom_button": _button(f"MJ::Outpaint::50::1::{HASH}::SOLO"),
        "custom_zoom_button": _button(f"MJ::CustomZoom::{HASH}"),
        "inpaint_button": _button(f"MJ::Inpaint::1::{HASH}::SOLO"),
        "animate_button": _button(f"MJ::JOB::animate_high::1::{HASH}::SOLO"),
        "picreader_button": _button("MJ::Job::PicReader::1"),
        "picreader_all_button": _button("MJ::Job::PicReader::all"),
        "picread_retry_button": _button("MJ::Picread::Retry"),
        "prompt_analyzer_button": _button("MJ::Job::PromptAnalyzer::1"),
        "bookmark_button": _button(f"MJ::BOOKMARK::{HASH}"),
    },
    "modal": {
        "as_proposed": {"taskId": MODAL},
        "new_prompt": {"taskId": MODAL, "prompt": f"{PROMPT} --zoom 1.5"},
        "inpaint": {"taskId": MODAL, "prompt": "a red roof", "maskBase64": MASK},
    },
    "list_by_condition": {"ids": {"ids": [TASK, int(OTHER)]}},
    "list_by_ids": {"ids": {"ids": [TASK, int(OTHER)]}},
    "hint": {"hint": {"id": OTHER, "status": "SUCCESS", "progress": "100%"}},
}


def accepted(result: str | list[str]) -> dict[str, Any]:
    return {"code": 1, "description": "提交成功", "result": result, "properties": {}}


WAITING = {
    "code": 21,
    "description": "Waiting for window confirm",
    "result": MODAL,
    "properties": {"finalPrompt": PROMPT, "remix": True},
}
BUTTONS = [
    {"customId": custom_id, "emoji": "", "label": label, "type": 2, "style": 2}
    for custom_id, label in (
        (f"MJ::JOB::upsample::1::{HASH}", "U1"),
        (f"MJ::JOB::variation::1::{HASH}", "V1"),
    )
]
IMAGE_URL = f"{settings.PUBLIC_URL}/mj/image/{TASK}?sig=Ht0rEpk1h2bDgEoVg9hW3Q"
DRAWING = {
    "id": TASK,
    "action": "IMAGINE",
    "customId": "",
    "botType": "MID_JOURNEY",
    "prompt": PROMPT,
    "promptEn": PROMPT,
    "description": f"/imagine {PROMPT}",
    "state": "order 7",
    "submitTime": 1720333718022,
    "startTime": 1720333719102,
    "finishTime": 0,
    "imageUrl": f"{IMAGE_URL}&v=3",
    "imageUrls": None,
    "videoUrl": "",
    "videoUrls": None,
    "status": "IN_PROGRESS",
    "progress": "46%",
    "failReason": "",
    "fail_reason": "",
    "buttons": None,
    "maskBase64": "",
    "mode": "FAST",
    "properties": {"finalPrompt": PROMPT, "finalZhPrompt": ""},
}
FINISHED = DRAWING | {
    "finishTime": 1720333760415,
    "imageUrl": IMAGE_URL,
    "status": "SUCCESS",
    "progress": "100%",
    "buttons": BUTTONS,
}
FAILED = DRAWING | {
    "finishTime": 1720333760415,
    "imageUrl": "",
    "status": "FAILURE",
    "progress": "100%",
    "failReason": "the upstream could not draw it",
    "fail_reason": "the upstream could not draw it",
}
NOT_BEGUN = DRAWING | {"startTime": 0, "imageUrl": "", "progress": "0%"}
DESCRIPTION = "1️⃣ a lighthouse at dawn --ar 1:1\n\n2️⃣ a white tower by the sea --ar 1:1"

_TASKS = {"tasks": [FINISHED]}
_ACCEPTED = {"accepted": accepted(NEW)}
_SUBSCRIPTION = {
    "subscription": {
        "object": "billing_subscription",
        "has_payment_method": True,
        "soft_limit_usd": 100.0,
        "hard_limit_usd": 100.0,
        "system_hard_limit_usd": 100.0,
        "access_until": 0,
    }
}
_USAGE = {"usage": {"object": "list", "total_usage": 25.0}}

ANSWERS: Examples = {
    **dict.fromkeys(
        ("imagine", "blend", "describe", "shorten", "edits", "edit", "video", "swap"), _ACCEPTED
    ),
    "change": _ACCEPTED,
    "simple_change": _ACCEPTED,
    "action": {"accepted": accepted(NEW), "modal": WAITING},
    "modal": {"accepted": accepted(MODAL)},
    "upload": {"uploaded": accepted([f"https://cdn.example.com/{n}.png" for n in (1, 2)])},
    "fetch": {
        "drawing": DRAWING,
        "finished": FINISHED,
        "failed": FAILED,
        "described": FINISHED
        | {
            "action": "DESCRIBE",
            "prompt": DESCRIPTION,
            "promptEn": "",
            "description": "/describe",
            "buttons": None,
            "properties": {"finalPrompt": DESCRIPTION, "finalZhPrompt": ""},
        },
        "waiting": NOT_BEGUN | {"id": MODAL, "action": "CUSTOM_ZOOM", "status": "MODAL"},
        "cancelled": NOT_BEGUN | {"finishTime": 1720333760415, "status": "CANCEL"},
    },
    "list_by_condition": _TASKS,
    "list_by_ids": _TASKS,
    "list": _TASKS,
    "queue": {"tasks": [DRAWING]},
    "image_seed": {
        "seed": {"code": 1, "description": "成功", "result": "2847103965", "properties": {}}
    },
    "cancel": {"accepted": accepted(TASK)},
    "models": {
        "models": {
            "object": "list",
            "data": [
                {
                    "id": "mj_imagine",
                    "object": "model",
                    "created": 1626777600,
                    "owned_by": "midjourney",
                }
            ],
        }
    },
    "subscription": _SUBSCRIPTION,
    "subscription_short": _SUBSCRIPTION,
    "usage": _USAGE,
    "usage_short": _USAGE,
    "token_usage": {
        "token_usage": {
            "code": True,
            "message": "ok",
            "data": {
                "object": "token_usage",
                "name": "main",
                "total_granted": 50_000_000,
                "total_used": 125_000,
                "total_available": 49_875_000,
                "unlimited_quota": True,
                "model_limits": {},
                "model_limits_enabled": False,
                "expires_at": 0,
            },
        }
    },
    "healthz": {"health": {"status": "ok"}},
    "readyz": {"ready": {"status": "ready", "database": "ok", "redis": "ok", "parts": "ok"}},
}
NOT_READY = {
    "status": "not ready", "database": "does not answer", "redis": "ok", "parts": "ok",
}  # fmt: skip
