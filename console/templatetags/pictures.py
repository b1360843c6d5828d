"""Pictures of tasks on pages."""

from typing import Any
from urllib.parse import urlsplit

from django import template

register = template.Library()


@register.filter
def on_this_host(address: Any) -> str:
    """A signed link as a path: the policy of our pages lets pictures come from the host that the
    page came from, whatever PUBLIC_URL calls it."""
    parts = urlsplit(str(address or ""))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


@register.inclusion_tag("console/tasks/picture.html")
def picture(task: Any, size: str = "thumb") -> dict[str, Any]:
    """The picture of a row of the API's tasks, or what stands in its place. `size`: "thumb" or
    "large"."""
    return {"task": task, "size": size, "is_open": is_open(task)}


@register.filter
def is_open(task: Any) -> bool:
    """Whether the task goes on by itself."""
    return task["status"] in ("NOT_START", "SUBMITTED", "IN_PROGRESS")
