"""The submits of trueai that begin with a prompt or pictures: from fields to a plan, or a refusal.

One method per route. Each raises Refused or aspnet.Failure, and accepts nothing yet. The texts and
the order of the checks are the ones that callers of trueai 11.10 see.
"""

import re

from .aspnet import Failure, Form
from .lives import DRAWING
from .midjourney_proxy_forms import DESCRIBED, RATIOS
from .pictures import Sketch
from .prompts import words_in
from .refused import Refused
from .trueai_accounts import PARTNER
from .trueai_admission import Admission, Envelope
from .trueai_answers import FAILURE, NO_PROMPT, NOT_FOUND, VALIDATION_ERROR, Plan
from .trueai_buttons import Result
from .trueai_pool import IN_ONE_STEP, Pool
from .trueai_tasks import TrueAiTask
from .trueai_uploads import LINK, Storage, Upload, parse, parse_all
from .trueai_videos import TrueAiVideos

NUMBERED = re.compile(r"^[1-4]️⃣ ", re.MULTILINE)
WITH_VIDEO = re.compile(r"--video\b")
SHORTENED = "1️⃣ {0}\n\n2️⃣ {0}, simpler\n\n3️⃣ {0}, in short\n\n4️⃣ {0}, shortest"


class TrueAiForms:
    def __init__(self, pool: Pool, admission: Admission, videos: TrueAiVideos) -> None:
        self._ids = pool.parts.ids
        self._admission = admission
        self._videos = videos
        self._storage = Storage(pool.parts, pool.switches)

    def imagine(self, form: Form, envelope: Envelope) -> Plan:
        """A `--video` in the prompt makes it a video; a broken limit is code 4 here, not -1."""
        prompt, pictures = form.filled("prompt"), form.texts("base64Array")
        if not prompt:
            raise Refused(VALIDATION_ERROR, NO_PROMPT)
        uploads = self._read_uploads(pictures)
        try:
            if WITH_VIDEO.search(prompt):
                return self._videos.from_prompt(prompt, envelope)
            return self._imagine(prompt, uploads, envelope)
        except Failure as broken_limit:
            raise Refused(VALIDATION_ERROR, str(broken_limit)) from broken_limit

    def _imagine(self, prompt: str, uploads: list[Upload], envelope: Envelope) -> Plan:
        task = self._task(prompt.strip(), action="IMAGINE", description=f"/imagine {prompt}")
        plan = self._admission.new(task, envelope)
        takes_urls = task.account.is_partner
        links = self._storage.links(uploads, name=task.id, takes_urls=takes_urls)
        task.final_prompt = " ".join([*links, prompt.strip()])
        task.base_image_url = links[0] if links else None
        return plan

    def _read_uploads(self, pictures: list[str | None]) -> list[Upload]:
        if any(pictures):
            self._storage.check_allowed()
        return parse_all(pictures)

    def blend(self, form: Form, envelope: Envelope) -> Plan:
        """trueai 11.10: an imagine of the pictures' links with a ratio; addresses are taken too.

        Uploads that are switched off are found by the parser here, and named as its error.
        """
        pictures = form.texts("base64Array")
        dimensions = form.choice("dimensions", RATIOS)
        if not 2 <= len(pictures) <= 5:
            raise Refused(VALIDATION_ERROR, "图片参数错误，2~5张图片")
        if dimensions is None and "dimensions" in form:
            raise Refused(VALIDATION_ERROR, "dimensions参数错误")
        try:
            uploads = self._read_uploads(pictures)
        except Refused as no:
            raise Refused(VALIDATION_ERROR, "base64格式错误") from no
        ratio = RATIOS[dimensions or "SQUARE"]
        task = self._task(f"--ar {ratio}", action="BLEND")
        task.prompt, task.description = None, f"/blend {task.id} {len(uploads)}"
        plan = self._admission.new(task, envelope)
        links = self._storage.links(uploads, name=task.id, takes_urls=True)
        task.final_prompt = f"{' '.join(links)} --ar {ratio}"
        return plan

    def describe(self, form: Form, envelope: Envelope) -> Plan:
        """The words that steer it may stand in `link`."""
        picture, link = form.filled("base64"), form.filled("link")
        language = form.text("language")
        if not picture and not link:
            raise Refused(VALIDATION_ERROR, "base64或link不能为空")
        if picture:
            self._storage.check_allowed()
        elif not LINK.fullmatch(link):
            raise Refused(VALIDATION_ERROR, "链接格式错误")
        upload = parse(picture) if picture else Upload(url=link, suffix="png")
        task = self._task(link, action="DESCRIBE", result=Result.PROMPTS)
        task.prompt, task.description = None, f"/describe {task.id}.{upload.suffix}"
        task.final_prompt, task.language = DESCRIBED, language
        plan = self._admission.new(task, envelope)
        self._storage.links([upload], name=task.id, takes_urls=True)
        if task.account.is_partner:
            task.final_prompt = "\r\n".join(lines_of(DESCRIBED))
            task.life = IN_ONE_STEP if task.life is DRAWING else task.life
        return plan

    def shorten(self, form: Form, envelope: Envelope) -> Plan:
        """The prompt is not looked at. Only Discord accounts can do it."""
        prompt = form.text("prompt") or ""
        task = self._task(prompt, action="SHORTEN", result=Result.SHORTENED)
        task.description = f"/shorten {prompt}"
        plan = self._admission.new(task, envelope)
        if task.account.is_partner:
            raise Refused(NOT_FOUND, "无可用的账号实例")
        task.final_prompt = SHORTENED.format(prompt)
        return plan

    def edit(self, form: Form, envelope: Envelope) -> Plan:
        return self._retouch(form, envelope, action="EDIT")

    def retexture(self, form: Form, envelope: Envelope) -> Plan:
        return self._retouch(form, envelope, action="RETEXTURE")

    def _retouch(self, form: Form, envelope: Envelope, *, action: str) -> Plan:
        """Official and partner accounts only."""
        picture, prompt = form.filled("image"), form.filled("prompt")
        if not picture or not prompt:
            raise Refused(VALIDATION_ERROR, "image或prompt不能为空")
        self._storage.check_allowed()
        upload = parse(picture)
        task = self._task(prompt, action=action, description=f"/{action.lower()} {prompt}")
        task.account = PARTNER
        wanted = envelope.account_filter.instance_id if envelope.account_filter else ""
        if wanted not in ("", PARTNER.id):
            raise Refused(FAILURE, "当前账号不支持编辑/重绘任务")
        plan = self._admission.new(task, envelope)
        (task.base_image_url,) = self._storage.links([upload], name=task.id, takes_urls=True)
        return plan

    def _task(
        self, prompt: str, *, action: str, description: str = "", result: Result = Result.GRID
    ) -> TrueAiTask:
        task_id = self._ids.next()
        return TrueAiTask(
            id=task_id,
            action=action,
            result=result,
            prompt=prompt,
            final_prompt=prompt,
            description=description,
            steering=prompt,
            words=words_in(prompt),
            sketch=Sketch(text=prompt or action.lower(), seed=task_id),
        )


def lines_of(described: str) -> list[str]:
    """The prompts of a description, without their numbers."""
    return [line for line in NUMBERED.sub("", described).splitlines() if line.strip()]
