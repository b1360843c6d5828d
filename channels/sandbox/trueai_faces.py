"""The routes of trueai beside drawing: a face put on another picture, and plain uploads."""

from .aspnet import Form
from .pictures import Sketch
from .prompts import words_in
from .refused import BareRefusal, Refused
from .trueai_admission import Admission, Envelope
from .trueai_answers import DONE, SUBMITTED, VALIDATION_ERROR, Answer, Plan
from .trueai_buttons import Result
from .trueai_pool import Pool
from .trueai_tasks import TrueAiTask
from .trueai_uploads import LINK, Storage, parse, parse_all

PICTURE_BYTES_MAX = 10 * 1024 * 1024
BASE64_PER_BYTE = 4 / 3


class TrueAiFaces:
    def __init__(self, pool: Pool, admission: Admission) -> None:
        self._pool = pool
        self._admission = admission
        self._storage = Storage(pool.parts, pool.switches)

    def swap(self, form: Form, envelope: Envelope) -> Plan:
        """A service behind trueai does it. The words that steer it may stand in the addresses."""
        source, source_url = form.filled("sourceBase64"), form.filled("sourceUrl")
        target, target_url = form.filled("targetBase64"), form.filled("targetUrl")
        if "swap" in self._pool.switches.off:
            raise Refused(VALIDATION_ERROR, "服务不支持")
        _check_picture(source, source_url, name="人脸图片")
        _check_picture(target, target_url, name="目标图片")
        if (source, source_url) == (target, target_url):
            raise Refused(VALIDATION_ERROR, "人脸图片和目标图片不能相同")
        task_id, steering = self._pool.parts.ids.next(), f"{source_url} {target_url}"
        task = TrueAiTask(
            id=task_id,
            action="SWAP_FACE",
            result=Result.PLAIN,
            prompt=None,
            final_prompt="",
            description="/swap",
            steering=steering,
            words=words_in(steering),
            sketch=Sketch(text="a face on another picture", seed=task_id, quadrant=1),
        )
        return self._admission.new(task, envelope.without_filter())

    def upload(self, form: Form, _envelope: Envelope) -> Plan:
        """Answered at once with the links in order. There is no task, and no word steers it."""
        pictures = form.texts("base64Array")
        if not any(picture and picture.strip() for picture in pictures):
            raise BareRefusal(VALIDATION_ERROR, "base64 参数错误")
        try:
            self._storage.check_allowed()
            uploads, name = parse_all(pictures), self._pool.parts.ids.next()
            links = self._storage.links(uploads, name=name, takes_urls=True)
        except Refused as no:
            raise BareRefusal(no.code, no.description) from no
        return Plan(frozenset(), lambda: Answer(SUBMITTED, DONE, links))


def _check_picture(data: str, url: str, *, name: str) -> None:
    if not data and not url:
        raise Refused(VALIDATION_ERROR, f"{name}不能为空")
    if data:
        if len(data) > PICTURE_BYTES_MAX * BASE64_PER_BYTE:
            raise Refused(VALIDATION_ERROR, f"{name}大小超过最大限制")
        try:
            parse(data)
        except Refused as no:
            raise Refused(VALIDATION_ERROR, f"{name}格式错误") from no
    elif not LINK.fullmatch(url):
        raise Refused(VALIDATION_ERROR, f"{name}URL格式错误")
