"""What is answered (tenant-api, sections 4 to 6), as JSON Schema."""

from typing import Any

from relay import actions
from relay.api.schema.bodies import MODE_WORDS, Schema, ref
from relay.models import TaskStatus

ACTIONS = sorted({word.name for word in vars(actions).values() if isinstance(word, actions.Action)})
TEXT = {"type": "string"}
MILLISECONDS = {"type": "integer", "minimum": 0}
NUMBER = {"type": "integer"}
EMPTY_OBJECT = {"type": "object", "maxProperties": 0}
ADDRESSES = {"type": ["array", "null"], "items": ref("Address")}


def described(prefix: str, **properties: Schema) -> Schema:
    """An object with all of these keys, each described by `prefix.key` if not otherwise."""
    return {
        "type": "object",
        "required": list(properties),
        "properties": {
            name: {"description": f"@{prefix}.{name}"} | schema
            for name, schema in properties.items()
        },
    }


def plain(**properties: Schema) -> Schema:
    """An object with all of these keys, whose names say enough."""
    return {"type": "object", "required": list(properties), "properties": properties}


def array_of(name: str) -> Schema:
    return {"type": "array", "items": ref(name)}


def const(value: Any) -> Schema:
    return {"const": value}


def submitted(
    *, result: Schema, code: str = "accepted", properties: Schema | None = None
) -> Schema:
    """The shape of all answers to a submit; `code` and `properties` tell a modal from the rest."""
    return plain(
        code={"type": "integer", "const": CODES[code], "description": f"@{code}.code"},
        description=TEXT | {"description": "@accepted.text"},
        result=result,
        properties=properties or NOTHING,
    )


CODES = {"accepted": 1, "modal": 21}
NOTHING = EMPTY_OBJECT | {"description": "@accepted.properties"}
ONE_ID = TEXT | {"pattern": "^[0-9]{1,16}$"}
IDS = TEXT | {"pattern": "^[0-9]{1,16}(,[0-9]{1,16})*$"}

SCHEMAS: dict[str, Schema] = {
    "Accepted": submitted(result=ONE_ID | {"description": "@accepted.result"}),
    "Pressed": submitted(result=IDS | {"description": "@accepted.result_many"}),
    "Waiting": submitted(
        code="modal",
        result=ONE_ID | {"description": "@modal.result"},
        properties=plain(
            finalPrompt=TEXT | {"description": "@modal.final_prompt"},
            remix={"type": "boolean", "const": True, "description": "@modal.remix"},
        ),
    ),
    "Uploaded": submitted(
        result={"type": "array", "items": TEXT, "description": "@uploaded.result"}
    ),
    "Seed": submitted(result=TEXT | {"description": "@seed.result"}),
    "Task": described(
        "task",
        id=ONE_ID,
        action=TEXT | {"enum": ACTIONS},
        customId=TEXT,
        botType=TEXT | {"enum": ["MID_JOURNEY", "NIJI_JOURNEY"]},
        prompt=TEXT,
        promptEn=TEXT,
        description=TEXT | {"description": "@task.text"},
        state=TEXT,
        submitTime=MILLISECONDS,
        startTime=MILLISECONDS,
        finishTime=MILLISECONDS,
        imageUrl=TEXT,
        imageUrls=ADDRESSES,
        videoUrl=TEXT,
        videoUrls=ADDRESSES,
        status=TEXT | {"enum": list(TaskStatus.values)},
        progress=TEXT | {"pattern": "^(100|[1-9]?[0-9])%$"},
        failReason=TEXT,
        fail_reason=TEXT,
        buttons={"type": ["array", "null"], "items": ref("Button")},
        maskBase64=TEXT,
        mode=TEXT | {"enum": MODE_WORDS},
        properties=plain(
            finalPrompt=TEXT | {"description": "@task.finalPrompt"},
            finalZhPrompt=TEXT | {"description": "@task.finalZhPrompt"},
        ),
    )
    | {"description": "@task.description"},
    "Button": described("button", customId=TEXT, emoji=TEXT, label=TEXT, type=NUMBER, style=NUMBER)
    | {"description": "@button.description"},
    "Address": plain(url=TEXT) | {"description": "@address.description"},
    "Models": plain(
        object=const("list"),
        data={
            "type": "array",
            "items": plain(id=TEXT, object=const("model"), created=NUMBER, owned_by=TEXT),
        },
    ),
    "Subscription": plain(
        object=const("billing_subscription"),
        has_payment_method={"type": "boolean"},
        soft_limit_usd={"type": "number"},
        hard_limit_usd={"type": "number"},
        system_hard_limit_usd={"type": "number"},
        access_until=NUMBER,
    ),
    "Usage": plain(object=const("list"), total_usage={"type": "number"}),
    "TokenUsage": plain(
        code={"type": "boolean", "const": True, "description": "@token_usage.code"},
        message=TEXT,
        data=plain(
            object=const("token_usage"),
            name=TEXT,
            total_granted=NUMBER | {"description": "@token_usage.total_granted"},
            total_used=NUMBER | {"description": "@token_usage.total_used"},
            total_available=NUMBER | {"description": "@token_usage.total_available"},
            unlimited_quota={
                "type": "boolean",
                "description": "@token_usage.unlimited_quota",
            },
            model_limits={"type": "object"},
            model_limits_enabled={"type": "boolean"},
            expires_at=NUMBER | {"description": "@token_usage.expires_at"},
        ),
    ),
    "Health": plain(status=const("ok")),
    "Readiness": plain(status=TEXT | {"enum": ["ready", "not ready"]}, database=TEXT, redis=TEXT),
}
