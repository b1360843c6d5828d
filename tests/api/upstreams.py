"""A customer in front of each kind of upstream that the sandbox speaks, with finished tasks to go
on with."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from channels.models import Channel
from relay.api.schema import examples
from tests.accounts import Account, open_account
from tests.stack import Stack

# By the kind of channel: the sandbox's base address for it.
BASES: dict[str, str] = {
    Channel.Kind.MIDJOURNEY_PROXY: "/midjourney-proxy",
    Channel.Kind.TRUEAI: "/trueai",
    Channel.Kind.NEWAPI: "/newapi",
}


class Upstream:
    """One kind of upstream, and a tenant of its own with a channel there."""

    def __init__(self, stack: Stack, kind: str, *, funds: str = "100") -> None:
        self.kind = kind
        url = stack.sandbox_url + BASES[kind]
        self.account: Account = open_account(stack, funds=funds, channel_url=url)
        Channel.objects.filter(pk=self.account.channel.pk).update(kind=kind)

    @cached_property
    def grid(self) -> dict[str, Any]:
        return self._finished("imagine", {"prompt": examples.PROMPT})

    @cached_property
    def single(self) -> dict[str, Any]:
        body = {"taskId": self.grid["id"], "action": "UPSCALE", "index": 1}
        return self._finished("change", body)

    @cached_property
    def description(self) -> dict[str, Any]:
        return self._finished("describe", {"base64": examples.NAVY})

    @cached_property
    def shortening(self) -> dict[str, Any]:
        return self._finished("shorten", {"prompt": examples.PROMPT})

    @cached_property
    def video(self) -> dict[str, Any]:
        return self._finished("video", {"prompt": "waves", "image": examples.NAVY})

    @cached_property
    def clip(self) -> dict[str, Any]:
        """One of the clips of a video, on its own."""
        buttons = [button["customId"] for button in self.video["buttons"]]
        body = {"taskId": self.video["id"], "customId": buttons[0]}
        return self._finished("action", body)

    def parents(self) -> Iterator[dict[str, Any]]:
        """The tasks whose buttons may be pressed; those that this kind cannot draw are left out."""
        yield self.grid
        if self.kind != Channel.Kind.MIDJOURNEY_PROXY:
            yield from (self.single, self.description, self.shortening)

    def modal(self, beginning: str = "MJ::CustomZoom::") -> str:
        """The id of a new task that waits for confirmation."""
        ids = [button["customId"] for button in self.single["buttons"]]
        custom_id = next(custom_id for custom_id in ids if custom_id.startswith(beginning))
        answer = self.submit("action", {"taskId": self.single["id"], "customId": custom_id})
        assert answer["code"] == 21, answer
        return str(answer["result"])

    def submit(self, route: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.account.request("POST", f"/mj/submit/{route}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _finished(self, route: str, body: dict[str, Any]) -> dict[str, Any]:
        task = self.account.finish(str(self.submit(route, body)["result"]))
        assert task["status"] == "SUCCESS", task
        return task
