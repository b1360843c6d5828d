"""Tasks as pages show them: pictures by paths on this site, buttons with their prices."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rest_framework import serializers

from billing import pricing
from common.models import Generation
from relay import actions
from relay.api.v1 import tasks
from relay.api.v1.fields import Money, Strict
from relay.api.v1.operation import Call
from relay.api.v1.tasks import TaskRow
from relay.models import Task, TaskStatus
from relay.pictures import images


class DrawingButton(Strict):
    custom_id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a name of DRF's, too
    emoji = serializers.CharField()
    action = serializers.CharField(allow_null=True, help_text="null: costs nothing, or unknown.")
    price = Money(allow_null=True, help_text="In the task's mode, with the task's key.")


class Drawing(TaskRow):
    """A task as a page shows it. Addresses are paths on this site."""

    key_name = serializers.CharField(help_text="The name of the key that paid.")
    custom_id = serializers.CharField()
    bot_type = serializers.CharField()
    final_prompt = serializers.CharField()
    modal_price = Money(allow_null=True, help_text="What the confirmation of a modal costs.")
    picture = serializers.CharField(allow_null=True, help_text="A preview, while it is drawn.")
    parent_picture = serializers.CharField(
        allow_null=True, help_text="What a modal is about; else null."
    )
    pictures = serializers.ListField(child=serializers.CharField())
    videos = serializers.ListField(child=serializers.CharField())
    uploads = serializers.ListField(child=serializers.CharField(), help_text="Of an upload.")
    seed = serializers.CharField(help_text="Empty: nobody has asked for it yet.")
    buttons = DrawingButton(many=True)


class _Shop(NamedTuple):
    """The prices that count now, for one tenant."""

    book: pricing.Prices
    tenant_id: int
    home_id: int

    def price(self, names: Sequence[str], task: Task) -> int | None:
        """What this costs in the task's mode with the task's key."""
        group_id = task.token.group_id or self.home_id
        buyer = pricing.Buyer(tenant_id=self.tenant_id, group_id=group_id, home_id=self.home_id)
        return self.book.by_mode(names=names, buyer=buyer).get(task.mode)


def show(rows: Iterable[Task], call: Call) -> list[dict[str, Any]]:
    book = pricing.in_force(Generation.objects.get(name="prices").value)
    shop = _Shop(book, tenant_id=call.tenant.pk, home_id=call.tenant.group_id)
    return [_drawing(task, call, shop) for task in rows]


def _drawing(task: Task, call: Call, shop: _Shop) -> dict[str, Any]:
    is_upload = task.action == actions.UPLOAD.name
    return tasks.show(task, call) | {
        "key_name": task.token.name,
        "custom_id": task.custom_id,
        "bot_type": task.bot_type,
        "final_prompt": task.final_prompt,
        "modal_price": shop.price(actions.MODAL_PRICE_NAMES, task),
        "picture": _path(images.link(task)) if task.image_url else None,
        "parent_picture": _canvas(task),
        "pictures": []
        if is_upload
        else [f"{_path(images.link(task))}&n={n}" for n in range(len(task.image_urls or ()))],
        "videos": _videos(task),
        "uploads": [row.get("url", "") for row in task.image_urls or ()] if is_upload else [],
        "seed": task.seed,
        "buttons": [_button(row, task, shop) for row in task.buttons or ()],
    }


def _canvas(task: Task) -> str | None:
    if task.status != TaskStatus.MODAL or task.parent is None or not task.parent.image_url:
        return None
    return _path(images.link(task.parent))


def _videos(task: Task) -> list[str]:
    number = len(task.video_urls or ()) or (1 if task.video_url else 0)
    return [_path(images.video_link(task, n)) for n in range(number)]


def _button(row: dict[str, Any], task: Task, shop: _Shop) -> dict[str, Any]:
    custom_id = str(row.get("customId") or "")
    meaning = actions.meaning(custom_id)
    price = meaning and shop.price(meaning.action.price_names, task)
    return {
        "custom_id": custom_id,
        "label": str(row.get("label") or ""),
        "emoji": str(row.get("emoji") or ""),
        "action": meaning.action.name if meaning else None,
        "price": price,
    }


def _path(url: str) -> str:
    """The same without scheme and host: pages load their pictures from where they come from."""
    return "/" + url.split("/", 3)[3]
