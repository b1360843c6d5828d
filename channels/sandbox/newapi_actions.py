"""What a submit is to a new-api relay: an action, and by it a model that a channel must serve."""

from .aspnet import Form
from .newapi_errors import DoorProblem, DrawingProblem, Panic
from .trueai_tasks import TrueAiTask

BY_PATH = {
    "submit/imagine": "IMAGINE",
    "submit/describe": "DESCRIBE",
    "submit/blend": "BLEND",
    "submit/shorten": "SHORTEN",
    "submit/edits": "EDITS",
    "submit/video": "VIDEO",
    "submit/upload-discord-images": "UPLOAD",
    "submit/modal": "MODAL",
    "insight-face/swap": "SWAP_FACE",
}
BY_BODY = ("submit/action", "submit/change", "submit/simple-change")
MODELS = {
    "mj_imagine", "mj_describe", "mj_blend", "mj_upscale", "mj_variation", "mj_reroll", "mj_modal",
    "mj_inpaint", "mj_zoom", "mj_custom_zoom", "mj_shorten", "mj_high_variation",
    "mj_low_variation", "mj_pan", "swap_face", "mj_upload", "mj_video", "mj_edits",
}  # fmt: skip

# Never charged; and the only ones whose code 21 a caller gets to see.
MODAL_ACTIONS = ("INPAINT", "CUSTOM_ZOOM")


def action_of(path: str, form: Form) -> str:
    """Raises DoorProblem, Panic.

    new-api: simple-change is taken for a change, has no `action`, and so never finds a channel.
    """
    if path == "submit/action":
        return action_of_custom_id(form.filled("customId"))
    return BY_PATH.get(path) or form.text("action") or ""


def check_channel(action: str, *, alive: bool) -> None:
    """Raises DoorProblem: no enabled channel has this model."""
    model = "swap_face" if action == "SWAP_FACE" else f"mj_{action.lower()}"
    if not alive or model not in MODELS:
        text = f"No available channel for model {model} under group default (distributor)"
        raise DoorProblem(503, text, "model_not_found")


def action_of_custom_id(custom_id: str) -> str:
    """new-api: the word after MJ:: or MJ::JOB::, tested in this order. What describe, shorten and
    videos have below them is not known to it."""
    if not custom_id:
        raise DoorProblem(400, "Invalid request: custom_id_is_required")
    parts = custom_id.split("::")
    try:
        word = parts[2] if parts[1] == "JOB" else parts[1]
        if "upsample" in word or word == "variation":
            _check_number(parts[3])
    except IndexError:
        raise Panic from None
    for found, action in _tests(word):
        if found:
            return action
    raise DoorProblem(400, f"Invalid request: unknown_action:{custom_id}")


def _check_number(text: str) -> None:
    if not text.isdecimal():
        raise DoorProblem(400, "Invalid request: index_parse_failed")


def _tests(word: str) -> list[tuple[bool, str]]:
    return [
        ("upsample" in word, "UPSCALE"),
        (word == "variation", "VARIATION"),
        (word == "low_variation", "LOW_VARIATION"),
        (word == "high_variation", "HIGH_VARIATION"),
        ("pan" in word, "PAN"),
        ("reroll" in word, "REROLL"),
        (word == "Outpaint", "ZOOM"),
        (word == "CustomZoom", "CUSTOM_ZOOM"),
        (word == "Inpaint", "INPAINT"),
    ]


def check_fields(path: str, form: Form) -> None:
    """What new-api itself asks of a body. Raises DrawingProblem."""
    if path == "submit/imagine" and not form.text("prompt"):
        raise DrawingProblem(4, "prompt_is_required")
    faces = form.text("sourceBase64"), form.text("targetBase64")
    if path == "insight-face/swap" and not all(faces):
        raise DrawingProblem(4, "sour_base64_and_target_base64_is_required")
    if path == "submit/change" and form.text("taskId"):
        if not form.text("action"):
            raise DrawingProblem(4, "action_is_required")
        if not form.integer("index"):
            raise DrawingProblem(4, "index_is_required")


def check_parent(path: str, parent: TrueAiTask | None, *, success_only: bool) -> TrueAiTask:
    """new-api: a follow-up belongs to a task of the caller's own, which must be SUCCESS; a modal's
    need not be. Raises DrawingProblem."""
    if parent is None:
        raise DrawingProblem(4, "task_not_found")
    if success_only and path != "submit/modal" and parent.status != "SUCCESS":
        raise DrawingProblem(4, "task_status_not_success")
    return parent
