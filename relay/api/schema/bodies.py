"""What requests carry (tenant-api, section 3), as JSON Schema."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from relay.actions import CHANGES
from relay.api import fields, readers, views
from relay.api.parsers import FacesParser
from relay.submits.modes import MODES

Schema = dict[str, Any]

PROMPT = {"type": "string", "minLength": 1, "maxLength": settings.PROMPT_MAX_CHARS}
OPTIONAL_PROMPT = {"type": "string", "maxLength": settings.PROMPT_MAX_CHARS}
IMAGE = {"type": "string"}
IMAGES = {"type": "array", "items": IMAGE, "maxItems": fields.IMAGES_MAX}
ADDRESS = {"type": "string", "format": "uri"}
CUSTOM_ID = {"type": "string", "minLength": 1, "maxLength": readers.CUSTOM_ID_MAX_CHARS}
TASK_ID = {"type": ["string", "integer"], "pattern": "^[0-9]{1,16}$", "minimum": 0}
MODE_WORDS = [mode.upper() for mode in MODES]
FILTER = {"type": "string", "maxLength": fields.FILTER_MAX_CHARS}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def form(properties: dict[str, Schema], *, required: tuple[str, ...] = ()) -> Schema:
    """An object whose fields are described by the texts of their names, if not otherwise."""
    described = {
        name: {"description": f"@fields.{name}"} | schema for name, schema in properties.items()
    }
    must = {"required": list(required)} if required else {}
    return {"type": "object", **must, "properties": described}


def text(key: str) -> Schema:
    return {"description": f"@fields.{key}"}


def one_of(words: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(words)}


def any_of(*sets: list[str]) -> Schema:
    """At least one of these sets of fields must be there."""
    return {"anyOf": [{"title": " + ".join(names), "required": names} for names in sets]}


def index(smallest: int, largest: int) -> Schema:
    """A number, also as a text of one digit."""
    pattern = f"^[{smallest}-{largest}]$"
    return {
        "type": ["integer", "string"],
        "minimum": smallest,
        "maximum": largest,
        "pattern": pattern,
    }


# What every submit may carry.
COMMON: dict[str, Schema] = {
    "botType": one_of(word for word in fields.BOT_TYPES if word),
    "notifyHook": ADDRESS | {"maxLength": fields.HOOK_MAX_CHARS},
    "state": {"type": "string", "maxLength": fields.STATE_MAX_CHARS},
    "mode": one_of(MODE_WORDS),
    "model": one_of(f"mj-{mode}" for mode in MODES),
    "accountFilter": ref("AccountFilter"),
    "instanceId": FILTER,
    "modes": {"type": "array", "items": one_of(MODE_WORDS)},
    "remix": {"type": "boolean"},
}

# The same as a form, with the pictures as its files (relay/api/parsers.py).
SWAP_FORM: Schema = {
    "type": "object",
    "required": list(FacesParser.files),
    "properties": {
        name: {"type": "string", "contentMediaType": "image/*"} | text(field)
        for name, field in FacesParser.files.items()
    },
}

SCHEMAS: dict[str, Schema] = {
    "Imagine": form(
        {"prompt": PROMPT, "base64Array": IMAGES, "base64": IMAGE} | COMMON, required=("prompt",)
    ),
    "Blend": form(
        {
            "base64Array": IMAGES | {"minItems": readers.BLEND_MIN} | text("base64Array_blend"),
            "dimensions": one_of(readers.DIMENSIONS) | {"default": "SQUARE"},
        }
        | COMMON,
        required=("base64Array",),
    ),
    "Describe": form({"base64": IMAGE | text("base64_describe"), "link": ADDRESS} | COMMON)
    | any_of(["base64"], ["link"]),
    "Shorten": form({"prompt": PROMPT} | COMMON, required=("prompt",)),
    "Edits": form(
        {
            "prompt": PROMPT,
            "image": IMAGE,
            "base64": IMAGE | text("base64_image"),
            "maskBase64": IMAGE,
        }
        | COMMON,
        required=("prompt",),
    )
    | any_of(["image"], ["base64"]),
    "Video": form(
        {
            "prompt": OPTIONAL_PROMPT | text("prompt_video"),
            "image": IMAGE,
            "base64": IMAGE | text("base64_image"),
            "motion": one_of(readers.MOTIONS) | {"default": readers.MOTIONS[0]},
            "action": one_of(["extend"]) | text("action_video"),
            "taskId": TASK_ID | text("taskId_video"),
            "index": index(0, 3) | text("index_video"),
        }
        | COMMON
    )
    | any_of(["prompt", "image"], ["prompt", "base64"], ["action", "taskId", "index"]),
    "Upload": form(
        {"base64Array": IMAGES | {"minItems": readers.UPLOAD_MIN} | text("base64Array_upload")}
        | COMMON,
        required=("base64Array",),
    ),
    "Swap": form(
        {
            "sourceBase64": IMAGE,
            "sourceUrl": ADDRESS,
            "targetBase64": IMAGE,
            "targetUrl": ADDRESS,
        }
        | COMMON
    )
    | any_of(
        ["sourceBase64", "targetBase64"],
        ["sourceBase64", "targetUrl"],
        ["sourceUrl", "targetBase64"],
        ["sourceUrl", "targetUrl"],
    ),
    "Change": form(
        {
            "taskId": TASK_ID,
            "action": one_of(CHANGES) | text("action_change"),
            "index": index(1, 4),
        }
        | COMMON,
        required=("taskId", "action"),
    ),
    "SimpleChange": form(
        {"content": {"type": "string", "pattern": "^[0-9]{1,16} ([UVuv][1-4]|[Rr])$"}} | COMMON,
        required=("content",),
    ),
    "Action": form(
        {"taskId": TASK_ID, "customId": CUSTOM_ID} | COMMON, required=("taskId", "customId")
    ),
    "ModalConfirmation": form(
        {
            "taskId": TASK_ID | text("taskId_modal"),
            "prompt": OPTIONAL_PROMPT | text("prompt_modal"),
            "maskBase64": IMAGE,
        },
        required=("taskId",),
    ),
    # What cannot be an id is left out like an unknown one.
    "ListByCondition": form(
        {
            "ids": {
                "type": "array",
                "items": {"type": ["string", "integer"]},
                "maxItems": views.LIST_MAX_IDS,
            }
        }
    ),
    "AccountFilter": {
        "type": "object",
        "properties": {
            name: schema | {"description": f"@account_filter.{name}"}
            for name, schema in {
                "channelId": FILTER,
                "instanceId": FILTER,
                "modes": COMMON["modes"],
                "remark": FILTER,
                "remix": COMMON["remix"],
                "nijiRemix": COMMON["remix"],
                "remixAutoConsidered": COMMON["remix"],
            }.items()
        },
    },
    "Hint": {"type": "object", "description": "@hint.description"},
}
