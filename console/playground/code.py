"""The requests of the tenant API that a task came from, told from the task."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from console.playground import snippets
from console.playground.snippets import Snippet
from relay.api.v1.drawing_kinds import BUTTON, KINDS, MODAL

PICTURE = "<base64 of a picture>"
MASK = "<base64 of the mask: white is drawn anew>"
_PICTURES: dict[str, dict[str, Any]] = {
    "BLEND": {"base64Array": [PICTURE, PICTURE]},
    "DESCRIBE": {"base64": PICTURE},
    "EDITS": {"image": PICTURE, "maskBase64": MASK},
    "VIDEO": {"image": PICTURE},
    "UPLOAD": {"base64Array": [PICTURE]},
    "SWAP_FACE": {"sourceBase64": PICTURE, "targetBase64": PICTURE},
}
_WORDLESS = ("BLEND", "DESCRIBE", "UPLOAD", "SWAP_FACE")


def of(task: Mapping[str, Any]) -> list[tuple[str, list[Snippet]]]:
    """(what it does, the request in each language), in their order."""
    steps = [(gettext("Begin it"), _begin(task))]
    if task["action"] in ("INPAINT", "CUSTOM_ZOOM"):
        steps.append((gettext("Confirm it"), _confirm(task)))
    fetch = snippets.of(f"/mj/task/{task['id']}/fetch", None, method="GET")
    return [*steps, (gettext("Ask how far it is"), fetch)]


def _begin(task: Mapping[str, Any]) -> list[Snippet]:
    if task["parent_id"] and task["custom_id"]:
        body = {"taskId": task["parent_id"], "customId": task["custom_id"], "mode": task["mode"]}
        return snippets.of(BUTTON, body)
    path = next(
        (kind.path for kind in KINDS.values() if kind.action.name == task["action"]), BUTTON
    )
    words = {} if task["action"] in _WORDLESS else {"prompt": task["prompt"]}
    niji = {"botType": "NIJI_JOURNEY"} if task["bot_type"] == "NIJI_JOURNEY" else {}
    body = words | _PICTURES.get(task["action"], {}) | niji | {"mode": task["mode"]}
    return snippets.of(path, body)


def _confirm(task: Mapping[str, Any]) -> list[Snippet]:
    body = {"taskId": task["id"], "prompt": task["final_prompt"] or task["prompt"]}
    if task["action"] == "INPAINT":
        body["maskBase64"] = MASK
    return snippets.of(MODAL, body)
