"""From a request body to an order: one function per submit route (tenant-api, section 3).

What is priced and what is forwarded comes from the same parsed object, read once.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings

from billing.tokens import Caller
from common import site
from relay import actions
from relay.actions import Action
from relay.api import fields
from relay.errors import InvalidRequest, TaskNotFound, TaskNotSuccess
from relay.models import Task, TaskStatus
from relay.submits import modes, words
from relay.submits.modals import Confirmation
from relay.submits.orders import Order

DIMENSIONS = ("PORTRAIT", "SQUARE", "LANDSCAPE")
MOTIONS = ("low", "high")
CUSTOM_ID_MAX_CHARS = 200
BLEND_MIN, UPLOAD_MIN = 2, 1
# "<task id> U2", as people type it in a chat.
_SIMPLE_CHANGE = re.compile(r"(\d{1,16})\s+(?:([uv])([1-4])|(r))", re.IGNORECASE | re.ASCII)


class Ask(NamedTuple):
    """A submit as it came: the body, who asks, and the mode in the path (or "")."""

    body: dict[str, Any]
    caller: Caller
    path_mode: str
    request_id: int | None = None


Reader = Callable[[Ask], Order]


def imagine(ask: Ask) -> Order:
    return _new(
        ask, actions.IMAGINE, prompt=fields.prompt(ask.body), images=fields.images(ask.body)
    )


def blend(ask: Ask) -> Order:
    images = fields.images(ask.body)
    if len(images) < BLEND_MIN:
        raise InvalidRequest(f"base64Array needs at least {BLEND_MIN} images")
    dimensions = fields.choice(ask.body, "dimensions", DIMENSIONS, default="SQUARE")
    return _new(ask, actions.BLEND, images=images, dimensions=dimensions)


def describe(ask: Ask) -> Order:
    return _new(ask, actions.DESCRIBE, images=(fields.image(ask.body, "base64", "link"),))


def shorten(ask: Ask) -> Order:
    return _new(ask, actions.SHORTEN, prompt=fields.prompt(ask.body))


def edits(ask: Ask) -> Order:
    image = fields.image(ask.body, "image", "base64")
    return _new(
        ask,
        actions.EDITS,
        prompt=fields.prompt(ask.body),
        images=(image,),
        mask=fields.mask(ask.body),
    )


def video(ask: Ask) -> Order:
    if fields.text(ask.body, "action", max_chars=20):
        return _video_extension(ask)
    motion = fields.choice(ask.body, "motion", MOTIONS, default="low")
    image = fields.image(ask.body, "image", "base64")
    return _new(ask, actions.VIDEO, prompt=fields.prompt(ask.body), images=(image,), motion=motion)


def upload(ask: Ask) -> Order:
    images = fields.images(ask.body)
    if len(images) < UPLOAD_MIN:
        raise InvalidRequest("base64Array is required")
    return _new(ask, actions.UPLOAD, images=images)


def swap(ask: Ask) -> Order:
    source = fields.image(ask.body, "sourceBase64", "sourceUrl")
    target = fields.image(ask.body, "targetBase64", "targetUrl")
    if source == target:
        raise InvalidRequest("sourceBase64 and targetBase64 are the same picture")
    return _new(ask, actions.SWAP_FACE, images=(source, target))


def change(ask: Ask) -> Order:
    parent = finished_parent(ask)
    action = actions.CHANGES[fields.choice(ask.body, "action", list(actions.CHANGES))]
    index = 0
    if action is not actions.REROLL:
        index = fields.number(ask.body, "index", smallest=1, largest=4)
    return _new(ask, action, parent=parent, index=index)


def simple_change(ask: Ask) -> Order:
    content = fields.text(ask.body, "content", max_chars=100).strip()
    match = _SIMPLE_CHANGE.fullmatch(content)
    if match is None:
        raise InvalidRequest('content must be like "1320098173412546 U2"')
    task_id, letter, index, _ = match.groups()
    word = {"u": "UPSCALE", "v": "VARIATION"}.get((letter or "").lower(), "REROLL")
    parent = _finished(_find(ask, task_id))
    return _new(ask, actions.CHANGES[word], parent=parent, index=int(index or 0))


def action(ask: Ask) -> Order:
    return press(ask, custom_id_of(ask), parent=finished_parent(ask))


def press(ask: Ask, custom_id: str, *, parent: Task) -> Order:
    """One button of a finished task."""
    meaning = actions.meaning(custom_id)
    if meaning is None:
        raise InvalidRequest("customId is not known")
    return _new(ask, meaning.action, parent=parent, index=meaning.number, custom_id=custom_id)


def custom_id_of(ask: Ask) -> str:
    custom_id = fields.text(ask.body, "customId", max_chars=CUSTOM_ID_MAX_CHARS).strip()
    if not custom_id:
        raise InvalidRequest("customId is required")
    return custom_id


def task_of(ask: Ask) -> Task:
    """The tenant's task that `taskId` names. Raises InvalidRequest, TaskNotFound."""
    if ask.body.get("taskId") in (None, ""):
        raise InvalidRequest("taskId is required")
    return _find(ask, ask.body["taskId"])


def finished_parent(ask: Ask) -> Task:
    return _finished(task_of(ask))


def confirmation(ask: Ask) -> Confirmation:
    """Of a modal. Its mode was decided before, so flags in the prompt say nothing."""
    prompt = fields.text(ask.body, "prompt", max_chars=settings.PROMPT_MAX_CHARS)
    clean = modes.without_flags(prompt).strip()
    words.check(clean, generation=ask.caller.settings_generation)
    return Confirmation(
        prompt=clean,
        mask=fields.mask(ask.body),
        state=fields.state(ask.body),
        notify_hook=fields.notify_hook(ask.body),
    )


def _find(ask: Ask, value: Any) -> Task:
    number = fields.task_id(value)
    task = Task.objects.of(ask.caller).filter(pk=number).first() if number else None
    if task is None:
        raise TaskNotFound
    return task


def _finished(task: Task) -> Task:
    if task.status != TaskStatus.SUCCESS:
        raise TaskNotSuccess
    return task


def _video_extension(ask: Ask) -> Order:
    fields.choice(ask.body, "action", ("extend",))
    parent = finished_parent(ask)
    index = fields.number(ask.body, "index", smallest=0, largest=3)
    prompt = fields.text(ask.body, "prompt", max_chars=settings.PROMPT_MAX_CHARS)
    motion = fields.choice(ask.body, "motion", MOTIONS, default="low")
    return _new(
        ask, actions.VIDEO, parent=parent, index=index, prompt=prompt.strip(), motion=motion
    )


def _new(ask: Ask, action: Action, **details: Any) -> Order:
    prompt = details.pop("prompt", "")
    generation = ask.caller.settings_generation
    mode = modes.decide(
        path_mode=ask.path_mode,
        body=ask.body,
        prompt=prompt,
        key_default=ask.caller.default_mode,
        site_default=site.value("default_mode", generation=generation),
    )
    clean = modes.without_flags(prompt)
    if prompt and not clean:
        raise InvalidRequest("prompt is required")
    words.check(clean, generation=generation)
    return Order(
        action=action,
        mode=mode,
        prompt=clean,
        bot_type=fields.bot_type(ask.body),
        filters=fields.filters(ask.body, mode),
        state=fields.state(ask.body),
        notify_hook=fields.notify_hook(ask.body),
        request_id=ask.request_id,
        **details,
    )
