"""What we post to a tenant's hook (tenant-api, section 8), as an OpenAPI callback."""

from typing import Any

from relay.api.schema.bodies import Schema, ref
from relay.api.schema.examples import DRAWING, FAILED, FINISHED

EXPRESSION = "{$request.body#/notifyHook}"
NAME = "taskChanged"


def _header(name: str, text: str, schema: Schema) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": f"@callback.{text}",
        "schema": schema,
    }


HEADERS = [
    _header("webhook-id", "webhook_id", {"type": "string"}),
    _header("webhook-timestamp", "webhook_timestamp", {"type": "integer"}),
    _header("webhook-signature", "webhook_signature", {"type": "string", "pattern": "^v1,"}),
    _header("X-Relay-Sequence", "sequence", {"type": "integer"}),
]
EXAMPLES = {"drawing": DRAWING, "finished": FINISHED, "failed": FAILED}

POST: dict[str, Any] = {
    "summary": "@callback.summary",
    "description": "@callback.description",
    "parameters": HEADERS,
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": ref("Task"),
                "examples": {
                    name: {"summary": f"@examples.{name}", "value": value}
                    for name, value in EXAMPLES.items()
                },
            }
        },
    },
    "responses": {"2XX": {"description": "@callback.answer"}},
}
