"""`POST /submit/video` of trueai, and the imagine that is one."""

from dataclasses import dataclass

from .aspnet import Form
from .lives import DRAWING, FAILED_AT_ONCE, Life, Status, Step
from .pictures import Sketch
from .prompts import follow_up_words_in, words_in
from .refused import Refused
from .trueai_admission import Admission, Envelope
from .trueai_answers import (
    FAILURE,
    NO_PARENT,
    NOT_FOUND,
    VALIDATION_ERROR,
    WRONG_FIELDS,
    WRONG_STATUS,
    Plan,
)
from .trueai_buttons import Result
from .trueai_pool import Pool
from .trueai_tasks import TrueAiTask
from .trueai_uploads import Storage, parse

MOTIONS = ("low", "high")
TYPES = ("vid_1.1_i2v_480", "vid_1.1_i2v_720")
BATCH_SIZES = (1, 2, 4)
SWITCHED_OFF = "视频功能未启用"
NO_START_FRAME = "Invalid parameter, No start frame"

# trueai 11.10 on Discord: first the clip is upscaled, then the same task starts again.
EXTENSION: Life = (DRAWING[0], Step(Status.IN_PROGRESS, "0%"), *DRAWING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The body of a submit. `clips` is how many come out."""

    prompt: str
    motion: str
    clips: int
    kind: str
    image: str
    end_image: str
    loops: bool
    action: str
    parent_id: str
    index: int

    @property
    def is_possible(self) -> bool:
        return self.clips in BATCH_SIZES and self.kind in TYPES and self.motion in MOTIONS

    @property
    def text(self) -> str:
        """What Midjourney is told, but for the first picture."""
        end = " --end loop" if self.loops else ""
        return f"{self.prompt} --video 1{end} --motion {self.motion} --bs {self.clips}"


def _read(form: Form) -> Wish:
    return Wish(
        prompt=form.filled("prompt"),
        motion=form.filled("motion").lower() or MOTIONS[0],
        clips=form.integer("batchSize") or max(BATCH_SIZES),
        kind=form.filled("videoType") or TYPES[0],
        image=form.filled("image"),
        end_image=form.filled("endImage"),
        loops=form.true_or_false("loop") is True,
        action=form.filled("action"),
        parent_id=form.filled("taskId"),
        index=form.integer("index") or 0,
    )


class TrueAiVideos:
    def __init__(self, pool: Pool, admission: Admission) -> None:
        self._pool = pool
        self._admission = admission
        self._storage = Storage(pool.parts, pool.switches)

    def video(self, form: Form, envelope: Envelope) -> Plan:
        """Either from a picture, or `action: "extend"` of a video's clip `index`, 0 to 3.

        trueai 11.10: account filters are not looked at here.
        """
        wish = _read(form)
        if "video" in self._pool.switches.off:
            raise Refused(VALIDATION_ERROR, SWITCHED_OFF)
        if not wish.prompt:
            raise Refused(VALIDATION_ERROR, "Prompt 不能为空")
        if not wish.is_possible:
            raise Refused(VALIDATION_ERROR, WRONG_FIELDS)
        task = self._task(wish.prompt, wish.text, clips=wish.clips, kind=wish.kind)
        if not wish.parent_id:
            return self._begin(task, envelope, wish)
        if wish.action != "extend":
            raise Refused(VALIDATION_ERROR, "任务类型错误")
        return self._extend(task, envelope, wish)

    def from_prompt(self, prompt: str, envelope: Envelope) -> Plan:
        """An imagine with `--video`: the picture is an address in the prompt, if any."""
        if "video" in self._pool.switches.off:
            raise Refused(FAILURE, SWITCHED_OFF)
        task = self._task(prompt, prompt, clips=max(BATCH_SIZES), kind=TYPES[0])
        return self._admission.new(task, envelope)

    def _begin(self, task: TrueAiTask, envelope: Envelope, wish: Wish) -> Plan:
        plan = self._admission.new(task, envelope.without_filter())
        uploads = [parse(picture) for picture in (wish.image, wish.end_image) if picture]
        links = self._storage.links(uploads, name=task.id, takes_urls=True)
        task.final_prompt = " ".join([*links[:1], task.final_prompt])
        task.base_image_url = links[0] if links else None
        if not wish.image:
            # Nobody looks before Midjourney does.
            task.life, task.reason_to_fail = FAILED_AT_ONCE, NO_START_FRAME
        return plan

    def _extend(self, task: TrueAiTask, envelope: Envelope, wish: Wish) -> Plan:
        parent = self._pool.engine.find(wish.parent_id)
        if parent is None:
            raise Refused(NOT_FOUND, NO_PARENT, status=404)
        if parent.status is not Status.SUCCESS:
            raise Refused(VALIDATION_ERROR, WRONG_STATUS)
        if self._pool.switches.remix == "off":
            raise Refused(FAILURE, "未开启 REMIX，无法使用视频扩展功能")
        if not 0 <= wish.index <= 3 or not parent.job:
            raise Refused(FAILURE, "目标任务缺少必要的ID信息")
        task.words |= follow_up_words_in(parent.steering)
        task.steering = f"{parent.steering} {task.steering}"
        self._admission.check_limits(task.words, envelope)
        self._admission.follow_up(task, envelope, parent)
        self._admission.check_banned(task)
        task.properties["video_extend_target_task_id"] = parent.id
        task.properties["video_extend_index"] = wish.index
        if not task.account.is_partner and task.life is DRAWING:
            task.life, task.extends_video, task.action = EXTENSION, True, "UPSCALE"
        return Plan(task.words, lambda: self._pool.draw(task))

    def _task(self, prompt: str, text: str, *, clips: int, kind: str) -> TrueAiTask:
        task_id = self._pool.parts.ids.next()
        return TrueAiTask(
            id=task_id,
            action="VIDEO",
            result=Result.VIDEOS,
            prompt=prompt,
            final_prompt=text,
            description=f"/video {prompt}",
            steering=prompt,
            words=words_in(prompt),
            sketch=Sketch(text=prompt, seed=task_id),
            videos=clips,
            video_type=kind,
        )
