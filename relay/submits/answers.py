"""The contract's shapes of an accepted submit (tenant-api, section 4)."""

from typing import Any


def accepted(result: str | list[str]) -> dict[str, Any]:
    """`result` is the task's id, several ids joined by commas, or the addresses of an upload."""
    return {"code": 1, "description": "提交成功", "result": result, "properties": {}}


def waits_for_modal(task_id: int, final_prompt: str) -> dict[str, Any]:
    properties = {"finalPrompt": final_prompt, "remix": True}
    return {
        "code": 21,
        "description": "Waiting for window confirm",
        "result": str(task_id),
        "properties": properties,
    }
