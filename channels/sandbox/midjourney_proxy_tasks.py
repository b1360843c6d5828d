"""A task of midjourney-proxy 2.6: what each step adds to it, and the object that is shown of it."""

from uuid import uuid4

from .clock import snowflake
from .lives import Status, percent_of
from .tasks import Task

# When prompt, promptEn and description learn what Midjourney was really told: links of uploaded
# pictures, the words a picture was described with.
PROMPT_CHANGES_AT = {
    "IMAGINE": Status.SUBMITTED,
    "BLEND": Status.IN_PROGRESS,
    "DESCRIBE": Status.SUCCESS,
}


def rank(task: Task) -> float:
    """How far a task is: what midjourney-proxy 2.6 compares to keep posts in order.

    NOT_START 0, SUBMITTED 1, IN_PROGRESS 3 and the percentage as a fraction, both ends 4.
    """
    if task.status is Status.IN_PROGRESS:
        return 3 + (percent_of(task.progress) or 0) / 100
    return {Status.NOT_START: 0.0, Status.SUBMITTED: 1.0}.get(task.status, 4.0)


def complete(task: Task) -> None:
    if task.prompt != task.final_prompt and task.status is PROMPT_CHANGES_AT.get(task.action):
        task.prompt = task.final_prompt
        if task.action == "IMAGINE":
            task.description = f"/imagine {task.final_prompt}"
    if task.status is Status.IN_PROGRESS and "progressMessageId" not in task.properties:
        task.properties["finalPrompt"] = task.final_prompt
        task.properties["progressMessageId"] = snowflake()
    if task.status is Status.SUCCESS:
        task.properties["messageId"] = snowflake()
        task.properties["messageHash"] = str(uuid4())
        task.properties["flags"] = 0


def task_json(task: Task) -> dict[str, object]:
    """midjourney-proxy 2.6: all keys always, null where nothing is known; no buttons."""
    return {
        "id": task.id,
        "properties": task.properties,
        "action": task.action,
        "status": task.status,
        "prompt": task.prompt,
        "promptEn": task.prompt,
        "description": task.description,
        "state": task.state,
        "submitTime": task.submit_time,
        "startTime": task.start_time,
        "finishTime": task.finish_time,
        "imageUrl": task.image_url,
        "progress": task.progress,
        "failReason": task.fail_reason,
    }
