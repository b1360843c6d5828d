"""A task as it is shown to whoever asks for it by its id: read at once for all who ask just now."""

from typing import Any, NamedTuple

import orjson

from billing.tokens import Caller
from common import sql
from common.gather import Gather

_FOUND = """
SELECT id AS pk, status, progress, sequence, action, mode, bot_type, prompt, prompt_en,
       final_prompt, final_zh_prompt, description, state, custom_id, fail_reason, submit_time,
       start_time, finish_time, image_url, image_urls, video_url, video_urls, buttons,
       tenant_id, is_test
FROM relay_task WHERE id = ANY(%(ids)s) AND id BETWEEN %(first)s AND %(last)s
"""


class Shown(NamedTuple):
    """What of a task is shown (relay/task_object.py), and whose it is: the columns of _FOUND."""

    pk: int
    status: str
    progress: int
    sequence: int
    action: str
    mode: str
    bot_type: str
    prompt: str
    prompt_en: str
    final_prompt: str
    final_zh_prompt: str
    description: str
    state: str
    custom_id: str
    fail_reason: str
    submit_time: int
    start_time: int
    finish_time: int
    image_url: str
    image_urls: list[dict[str, str]] | None
    video_url: str
    video_urls: list[Any] | None
    buttons: list[Any] | None
    tenant_id: int
    is_test: bool


def find(task_id: int, caller: Caller) -> Shown | None:
    """None: there is none that this key may see."""
    found = _gather.ask(task_id)
    if found is None or (found.tenant_id, found.is_test) != (caller.tenant_id, caller.is_test):
        return None
    return found


def _find_all(several: list[int]) -> list[Shown | None]:
    params = {"ids": several, "first": min(several), "last": max(several)}
    found = {row.pk: _read(row) for row in sql.fetch_all(_FOUND, params)}
    return [found.get(task_id) for task_id in several]


def _read(row: Any) -> Shown:
    """JSON comes as text: Django's connections leave it to the models to read it."""
    texts = {name: getattr(row, name) for name in ("image_urls", "video_urls", "buttons")}
    read = {name: orjson.loads(text) for name, text in texts.items() if text is not None}
    return Shown._make(row)._replace(**read)


_gather = Gather(_find_all)
