"""Drawing all the prompts of a describe at once."""

import re

from relay import lifecycle
from relay.api import readers
from relay.api.readers import Ask
from relay.errors import InvalidRequest
from relay.models import Task
from relay.submits import forwarding, modals

BUTTON = re.compile(r"MJ::Job::PicReader::[1-9]")
DRAWINGS_MAX = 4


def draw_all(ask: Ask) -> str:
    """One task per prompt, each paid for on its own: their ids, joined by commas.

    When the money or the upstream ends half-way, the ids of those that were taken. Raises what a
    submit raises when not even the first one was.
    """
    parent = readers.finished_parent(ask)
    ids = [button.get("customId", "") for button in parent.buttons or ()]
    custom_ids = [custom_id for custom_id in ids if BUTTON.fullmatch(custom_id)][:DRAWINGS_MAX]
    if not custom_ids:
        raise InvalidRequest("this task has no prompts to draw")
    drawn: list[str] = []
    for custom_id in custom_ids:
        try:
            drawn.append(str(_draw(ask, custom_id, parent)))
        except Exception:
            if not drawn:
                raise
            break
    return ",".join(drawn)


def _draw(ask: Ask, custom_id: str, parent: Task) -> int:
    order = readers.press(ask, custom_id, parent=parent)
    placed = forwarding.submit(caller=ask.caller, order=order)
    if not placed.is_modal:
        return placed.task_id
    task = Task.objects.get(pk=placed.task_id)
    try:
        said = modals.Confirmation(prompt=placed.final_prompt)
        return modals.confirm(caller=ask.caller, task=task, said=said)
    except Exception:
        _call_off(placed.task_id)
        raise


def _call_off(task_id: int) -> None:
    """A modal that nobody was told of, so nobody is called back about it either."""
    Task.objects.filter(pk=task_id).update(notify_hook="")
    lifecycle.cancel(Task.objects.select_related("token").get(pk=task_id))
