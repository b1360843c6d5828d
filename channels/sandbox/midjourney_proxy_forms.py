"""The submits of midjourney-proxy 2.6: from a request's fields to a task, or to a refusal."""

from collections.abc import Sequence
from dataclasses import replace

from .data_urls import NotADataUrl, file_suffix
from .engine import Engine
from .lives import DRAWING, FAILED_AT_ONCE, Status
from .parts import Parts
from .pictures import Sketch
from .prompts import Word, follow_up_words_in, words_in
from .refused import Refused
from .spring import MISSING, STUMBLED, Form, Problem
from .tasks import FAIL_REASON, Task

ACCOUNT_ID = "1077900000000000001"

NOT_FOUND = 3
VALIDATION_ERROR = 4
QUEUE_REJECTED = 23
BANNED_PROMPT = 24

ACTIONS = frozenset({"IMAGINE", "UPSCALE", "VARIATION", "REROLL", "DESCRIBE", "BLEND"})
CHANGES = frozenset({"UPSCALE", "VARIATION", "REROLL"})
CHANGEABLE = frozenset({"IMAGINE", "VARIATION", "REROLL", "BLEND"})
CHANGE_LETTERS = {"u": "UPSCALE", "v": "VARIATION"}
RATIOS = {"PORTRAIT": "2:3", "SQUARE": "1:1", "LANDSCAPE": "3:2"}

BAD_INDEX = "Component validation failed"
NO_WORDS: frozenset[Word] = frozenset()
DESCRIBED = (
    "1️⃣ a quiet valley at first light, layered hills, soft haze --ar 1:1\n\n"
    "2️⃣ paper-cut landscape in two colours, low sun --ar 1:1\n\n"
    "3️⃣ minimalist mountain poster, large pale sun --ar 1:1\n\n"
    "4️⃣ rolling dunes in the evening, flat shading --ar 1:1"
)


class Forms:
    """One method per submit route. Each raises Refused or spring.Problem, and accepts nothing.

    midjourney-proxy 2.6: the texts and the order of the checks are the ones that clients see.
    """

    def __init__(self, parts: Parts, engine: Engine[Task]) -> None:
        self._parts = parts
        self._engine = engine

    def imagine(self, form: Form) -> Task:
        prompt = (form.text("prompt") or "").strip()
        if not prompt:
            raise Refused(VALIDATION_ERROR, "prompt不能为空")
        task_id, words = self._parts.ids.next(), words_in(prompt)
        if Word.BAN in words:
            found: dict[str, object] = {"promptEn": prompt, "bannedWord": str(Word.BAN)}
            raise Refused(BANNED_PROMPT, "可能包含敏感词", found)
        pictures = [*(form.texts("base64Array") or [])]
        if (form.text("base64") or "").strip():
            pictures.append(form.text("base64"))
        _check_pictures(pictures)
        links = [self._upload(f"{task_id}-{number + 1}") for number in range(len(pictures))]
        return Task(
            id=task_id,
            action="IMAGINE",
            prompt=prompt,
            final_prompt=" ".join([*links, prompt]),
            description=f"/imagine {prompt}",
            words=words,
            sketch=Sketch(text=prompt, seed=task_id),
        )

    def simple_change(self, form: Form) -> Task:
        """`content` is "<task id> <operation>": u1 to u4, v1 to v4, or r."""
        parts = (form.text("content") or "").split(" ")
        if len(parts) != 2:
            raise Refused(VALIDATION_ERROR, "content参数错误")
        parent_id, operation = parts[0], parts[1].lower()
        if not operation:
            raise Problem(STUMBLED)
        if operation == "r":
            return self._change(parent_id=parent_id, action="REROLL", index=None)
        action, digit = CHANGE_LETTERS.get(operation[0]), operation[1:2]
        if action is None or digit not in ("1", "2", "3", "4"):
            raise Refused(VALIDATION_ERROR, "content参数错误")
        return self._change(parent_id=parent_id, action=action, index=int(digit))

    def change(self, form: Form) -> Task:
        action = form.choice("action", ACTIONS)
        index = form.integer("index")
        parent_id = form.text("taskId") or ""
        if not parent_id.strip():
            raise Refused(VALIDATION_ERROR, "taskId不能为空")
        if action not in CHANGES:
            raise Refused(VALIDATION_ERROR, "action参数错误")
        return self._change(parent_id=parent_id, action=str(action), index=index)

    def _change(self, *, parent_id: str, action: str, index: int | None) -> Task:
        parent = self._parent(parent_id)
        if action != "REROLL" and index is None:
            raise Problem(STUMBLED)
        task_id = self._parts.ids.next()
        # midjourney-proxy 2.6 does not look at the index; it is Discord that refuses.
        in_the_grid = index in (None, 1, 2, 3, 4)
        if action == "UPSCALE":
            sketch = replace(parent.sketch, quadrant=index)
        else:
            sketch = replace(parent.sketch, seed=task_id)
        return Task(
            id=task_id,
            action=action,
            prompt=parent.prompt,
            final_prompt=parent.final_prompt,
            description=f"/up {parent_id} {'R' if action == 'REROLL' else f'{action[0]}{index}'}",
            words=follow_up_words_in(parent.prompt or ""),
            sketch=sketch,
            properties={
                "finalPrompt": parent.final_prompt,
                "referencedMessageId": parent.properties["messageId"],
            },
            life=DRAWING if in_the_grid else FAILED_AT_ONCE,
            reason_to_fail=FAIL_REASON if in_the_grid else BAD_INDEX,
        )

    def _parent(self, parent_id: str) -> Task:
        parent = self._engine.find(parent_id)
        if parent is None:
            raise Refused(NOT_FOUND, "关联任务不存在或已失效")
        if parent.status is not Status.SUCCESS:
            raise Refused(VALIDATION_ERROR, "关联任务状态错误")
        if parent.action not in CHANGEABLE:
            raise Refused(VALIDATION_ERROR, "关联任务不允许执行变化")
        return parent

    def describe(self, form: Form) -> Task:
        picture = form.text("base64") or ""
        if not picture.strip():
            raise Refused(VALIDATION_ERROR, "base64不能为空")
        (suffix,) = _check_pictures([picture])
        task_id = self._parts.ids.next()
        return Task(
            id=task_id,
            action="DESCRIBE",
            prompt=None,
            final_prompt=DESCRIBED,
            description=f"/describe {task_id}.{suffix}",
            words=NO_WORDS,
            sketch=Sketch(text="the picture to describe", seed=task_id),
        )

    def blend(self, form: Form) -> Task:
        pictures = form.texts("base64Array") or []
        dimensions = form.choice("dimensions", frozenset(RATIOS))
        if not 2 <= len(pictures) <= 5:
            raise Refused(VALIDATION_ERROR, "base64List参数错误")
        if dimensions is None and "dimensions" in form:
            raise Refused(VALIDATION_ERROR, "dimensions参数错误")
        _check_pictures(pictures)
        task_id = self._parts.ids.next()
        links = [self._upload(f"{task_id}-{number + 1}") for number in range(len(pictures))]
        ratio = RATIOS[dimensions or "SQUARE"]
        return Task(
            id=task_id,
            action="BLEND",
            prompt=None,
            final_prompt=f"{' '.join(links)} --ar {ratio}",
            description=f"/blend {task_id} {len(pictures)}",
            words=NO_WORDS,
            sketch=Sketch(text=f"{len(pictures)} pictures blended at {ratio}", seed=task_id),
        )

    def unknown(self, _form: Form) -> Task:
        """A submit of another dialect, /submit/action for one: written down, then refused."""
        raise Problem(MISSING)

    def _upload(self, name: str) -> str:
        self._parts.gallery.keep(name, Sketch(text="an uploaded picture", seed=name))
        return self._parts.gallery.link(name)


def _check_pictures(pictures: Sequence[str | None]) -> list[str]:
    """The file suffix of each data URL. A null, or a text without a comma, makes Java stumble."""
    if None in pictures:
        raise Problem(STUMBLED)
    try:
        return [file_suffix(picture) for picture in pictures if picture is not None]
    except NotADataUrl as error:
        raise Refused(VALIDATION_ERROR, "base64格式错误") from error
    except IndexError as error:
        raise Problem(STUMBLED) from error
