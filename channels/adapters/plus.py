"""The wide API of this family (midjourney-proxy-plus and its heirs): one request per action."""

from dataclasses import replace
from typing import Any

from channels.adapters.base import Image, Parent, Submission, Update
from channels.adapters.family import Call, milliseconds, percent, status, text, without_links

MODES = ("fast", "relax", "turbo")
# Actions whose result is text.
TEXTS = ("DESCRIBE", "SHORTEN")
# The beginning of the button's customId that does what a change asks for.
CHANGE_BUTTONS = {
    "UPSCALE": "MJ::JOB::upsample::{index}::",
    "VARIATION": "MJ::JOB::variation::{index}::",
    "REROLL": "MJ::JOB::reroll::",
}


def route(submission: Submission) -> Call:
    """The request that hands a task over; the mode is in its path."""
    route, body = _request(submission)
    if submission.filters:
        body = body | {"accountFilter": submission.filters}
    return Call(f"/mj-{submission.mode}/mj/{route}", body)


def to_update(row: dict[str, Any]) -> Update:
    """A task object of the wide API in our words."""
    properties = row.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    final_prompt = without_links(properties.get("finalPrompt"), row)
    action = text(row.get("action"))
    mode = text(row.get("mode"))
    return Update(
        upstream_id=text(row.get("id")) or "",
        correlation=text(row.get("state")) or "",
        status=status(row.get("status")),
        mode=mode.lower() if mode and mode.lower() in MODES else None,
        progress=percent(row.get("progress")),
        prompt=final_prompt or text(row.get("prompt")) if action in TEXTS else None,
        prompt_en=without_links(row.get("promptEn"), row),
        final_prompt=final_prompt,
        final_zh_prompt=text(properties.get("finalZhPrompt")),
        description=text(row.get("description")),
        fail_reason=text(row.get("failReason")) or "",
        # While a prompt is shortened there may be previews of nothing.
        image_url=None if action == "SHORTEN" else text(row.get("imageUrl")),
        image_urls=urls(row.get("imageUrls")),
        video_url=text(row.get("videoUrl")),
        video_urls=urls(row.get("videoUrls")),
        buttons=buttons(row.get("buttons")),
        start_time=milliseconds(row.get("startTime")),
        finish_time=milliseconds(row.get("finishTime")),
        raw=row,
    )


def is_change(submission: Submission) -> bool:
    return submission.action in CHANGE_BUTTONS and not submission.custom_id


def button(submission: Submission) -> str:
    """The customId of the parent's button that does what a change asks for, empty when there is
    none."""
    start = CHANGE_BUTTONS[submission.action].format(index=submission.index)
    buttons = submission.parent.buttons if submission.parent else ()
    ids = (button.get("customId") or "" for button in buttons)
    return next((custom_id for custom_id in ids if custom_id.startswith(start)), "")


def with_button(submission: Submission) -> Submission:
    """A change as the press of a button, where the parent has one: not every upstream still has
    the route for changes."""
    return (
        replace(submission, custom_id=button(submission)) if is_change(submission) else submission
    )


def buttons(found: Any) -> list[dict[str, Any]] | None:
    """An upstream's buttons with all their keys, texts never null; None when it has none."""
    if not isinstance(found, list):
        return None
    return [
        {
            "customId": button["customId"],
            "emoji": button.get("emoji") or "",
            "label": button.get("label") or "",
            "type": button.get("type") or 2,
            "style": button.get("style") or 2,
        }
        for button in found
        if isinstance(button, dict) and isinstance(button.get("customId"), str)
    ] or None


def urls(found: Any) -> list[dict[str, str]] | None:
    """A list of results, only their addresses; None when there are none."""
    if not isinstance(found, list):
        return None
    return [
        {"url": item["url"]}
        for item in found
        if isinstance(item, dict) and isinstance(item.get("url"), str) and item["url"]
    ] or None


def _request(submission: Submission) -> tuple[str, dict[str, Any]]:
    """(route, body) by what the submission has."""
    if submission.parent is not None:
        return _follow_up(submission, submission.parent)
    bot = {"botType": submission.bot_type}
    prompt = {"prompt": submission.prompt}
    match submission.action:
        case "IMAGINE":
            return "submit/imagine", bot | _imagine(submission)
        case "BLEND":
            images = [image.data_url_or_address for image in submission.images]
            dimensions = submission.dimensions or "SQUARE"
            return "submit/blend", bot | {"base64Array": images, "dimensions": dimensions}
        case "DESCRIBE":
            return "submit/describe", bot | _picture(submission.images[0], "base64", "link")
        case "SHORTEN":
            return "submit/shorten", bot | prompt
        case "EDITS":
            return "submit/edits", prompt | _edits(submission)
        case "VIDEO":
            image = submission.images[0].data_url_or_address
            return "submit/video", prompt | {"image": image, "motion": submission.motion or "low"}
        case "SWAP_FACE":
            source, target = submission.images
            body = _picture(source, "sourceBase64", "sourceUrl")
            return "insight-face/swap", body | _picture(target, "targetBase64", "targetUrl")
    raise ValueError(f"there is no route for {submission.action}")


def _follow_up(submission: Submission, parent: Parent) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {"taskId": parent.upstream_id}
    if submission.custom_id:
        return "submit/action", body | {"customId": submission.custom_id}
    if submission.action == "VIDEO":
        # trueai wants a prompt here too, which clients leave out.
        prompt = submission.prompt or parent.prompt
        details = {"action": "extend", "index": submission.index, "prompt": prompt}
        return "submit/video", body | details | {"motion": submission.motion or "low"}
    body |= {"action": submission.action}
    return "submit/change", body | ({"index": submission.index} if submission.index else {})


def _imagine(submission: Submission) -> dict[str, Any]:
    """Addresses of pictures stand before the words, as Midjourney has it."""
    words = [image.url for image in submission.images if image.url]
    return {
        "prompt": " ".join([*words, submission.prompt]),
        "base64Array": [image.data_url for image in submission.images if image.data],
    }


def _edits(submission: Submission) -> dict[str, Any]:
    body = {"image": submission.images[0].data_url_or_address}
    return body | ({"maskBase64": submission.mask} if submission.mask else {})


def _picture(image: Image, data_name: str, url_name: str) -> dict[str, str]:
    return {url_name: image.url} if image.url else {data_name: image.data_url}
