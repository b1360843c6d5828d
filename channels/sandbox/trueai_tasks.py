"""A task of trueai, and the object that fetch, lists and hooks show of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .lives import Status
from .tasks import Task
from .trueai_accounts import DISCORD, Account, AccountFilter
from .trueai_buttons import Button, Result, version_of


@dataclass(slots=True, eq=False, kw_only=True)
class TrueAiTask(Task):
    """`final_prompt` is what Midjourney was told. `steering` is the text that words are read in:
    a follow-up has its parent's and adds its own."""

    result: Result
    steering: str = ""
    account: Account = DISCORD
    account_filter: AccountFilter | None = None
    bot_type: str = "MID_JOURNEY"
    mode: str | None = None
    request_mode: str | None = None
    parent_id: str | None = None
    custom_id: str | None = None
    language: str | None = None
    base_image_url: str | None = None
    job: str | None = None
    seed: str | None = None
    message_ids: list[str] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    image_urls: list[str] | None = None
    videos: int = 0
    video_urls: list[str] | None = None
    video_type: str | None = None
    extends_video: bool = False
    # What the hook has heard last, see trueai_hooks.
    hook_rank: float = 0.0

    @property
    def is_replicate(self) -> bool:
        return self.action == "SWAP_FACE"

    @property
    def is_free_of_charge(self) -> bool:
        """trueai 11.10: a U, a description and what costs nothing at Midjourney."""
        return self.action in ("UPSCALE", "DESCRIBE", "SHORTEN", "SWAP_FACE")


def task_json(task: TrueAiTask) -> dict[str, object]:
    """trueai 11.10: all keys always, null where nothing is known."""
    ended_well = task.status is Status.SUCCESS
    return {
        **_where_it_belongs(task),
        **_what_it_is(task),
        **_what_came_out(task),
        **_who_drew_it(task),
        "mode": task.mode,
        "requestMode": task.request_mode,
        "accountFilter": task.account_filter.as_json() if task.account_filter else None,
        "url": task.image_url if ended_well else None,
        "proxyUrl": None,
        **_measures(task),
        "useTime": _use_time(task),
        "version": version_of(task.final_prompt),
        "storageOption": None,
        "videoType": task.video_type,
        "isHdVideo": (task.video_type or "").endswith("720"),
        "id": task.id,
        "properties": task.properties,
    }


def _where_it_belongs(task: TrueAiTask) -> dict[str, object]:
    return {
        "parentId": task.parent_id,
        "botType": "INSIGHT_FACE" if task.is_replicate else task.bot_type,
        "realBotType": None,
        "userId": "sandbox-user",
        "isWhite": True,
        "nonce": task.properties.get("nonce"),
        "interactionMetadataId": None,
        "messageId": task.message_ids[-1] if task.message_ids else None,
        "remixModalMessageId": None,
        "remixAutoSubmit": False,
        "remixModaling": task.status is Status.MODAL,
        "instanceId": None if task.is_replicate else task.account.id,
        "subInstanceId": None,
        "messageIds": task.message_ids,
    }


def _what_it_is(task: TrueAiTask) -> dict[str, object]:
    return {
        "action": task.action,
        "status": task.status,
        "isCompleted": task.ended,
        "prompt": task.prompt,
        "promptEn": task.final_prompt,
        "promptFull": task.final_prompt if task.status is Status.SUCCESS else None,
        "description": task.description,
        "language": task.language,
        "state": task.state,
        "submitTime": task.submit_time,
        "startTime": task.start_time,
        "finishTime": task.finish_time,
    }


def _what_came_out(task: TrueAiTask) -> dict[str, object]:
    return {
        "imageUrl": task.image_url,
        "baseImageUrl": task.base_image_url,
        "imageUrls": _links(task.image_urls),
        "thumbnailUrl": task.image_url if task.status is Status.SUCCESS else None,
        "progress": task.progress,
        "failReason": task.fail_reason,
        "hasAIReviewRetried": False,
        "buttons": task.buttons,
        "displays": {
            "status": task.status,
            "submitTime": _local_time(task.submit_time),
            "startTime": _local_time(task.start_time),
            "finishTime": _local_time(task.finish_time),
            "action": task.action,
            "discordInstanceId": task.properties.get("discordInstanceId", ""),
        },
        "seed": task.seed,
        "seedError": None,
        "seedMessageId": None,
        "videoGenOriginImageUrl": task.base_image_url if task.videos else None,
        "videoDuration": 5 if task.video_urls else None,
        "frameCount": None,
        "videoUrl": task.video_urls[0] if task.video_urls else None,
        "videoUrls": _links(task.video_urls),
    }


def _who_drew_it(task: TrueAiTask) -> dict[str, object]:
    is_partner = task.account.is_partner
    return {
        "isThirdParty": False,
        "isPartner": is_partner,
        "isPartnerRelax": is_partner and task.mode == "RELAX",
        "partnerTaskId": task.job if is_partner else None,
        "partnerTaskInfo": {"taskId": task.job} if is_partner else None,
        "isOfficial": False,
        "officialTaskId": None,
        "officialTaskInfo": None,
        "isDiscord": not is_partner,
        "clientIp": "127.0.0.1",
        "jobId": task.job,
        "isReplicate": task.is_replicate,
        "replicateSource": "/app/wwwroot/source.png" if task.is_replicate else None,
        "replicateTarget": "/app/wwwroot/target.png" if task.is_replicate else None,
    }


def _measures(task: TrueAiTask) -> dict[str, object]:
    pixels = 640 if task.status is Status.SUCCESS and task.image_url else None
    return {
        "height": pixels,
        "width": pixels,
        "size": None,
        "contentType": "image/png" if pixels else None,
        "imageHeight": pixels,
        "imageWidth": pixels,
    }


def _links(urls: Sequence[str] | None) -> list[dict[str, str]] | None:
    return None if urls is None else [{"url": url, "thumbnail": url} for url in urls]


def _local_time(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _use_time(task: TrueAiTask) -> str:
    if task.start_time is None or task.finish_time is None:
        return "-"
    return f"{(task.finish_time - task.start_time) / 1000:.2f} s"
