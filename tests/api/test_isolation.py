"""A tenant with another tenant's ids: on every route and under every prefix they are not there, and
nothing happens to anybody."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from channels.models import Channel
from relay import signing
from relay.api import urls
from relay.models import Task
from tests.accounts import Account, open_account
from tests.api.shapes import assert_refused
from tests.api.upstreams import Upstream
from tests.stack import Stack, wait_until

PREFIXES = list(urls.MJ_PREFIXES)
ROUTES = [str(route.pattern) for route in urls.mj]
UNKNOWN = "1234567890123456"


class Foreign:
    """Everything that a tenant may own: finished, waiting and unfinished tasks, and their files."""

    def __init__(self, stack: Stack) -> None:
        self.upstream = Upstream(stack, Channel.Kind.TRUEAI)
        self.owner = self.upstream.account
        self.grid = self.upstream.grid
        self.single = self.upstream.single
        self.video = self.upstream.video
        self.modal = self.upstream.modal()
        self.unfinished = self.owner.draw("zzslow")
        wait_until(lambda: self.owner.fetch(self.unfinished)["imageUrl"], what="a preview")

    @property
    def ids(self) -> list[str]:
        finished = [task["id"] for task in (self.grid, self.single, self.video)]
        return [*finished, self.modal, self.unfinished]


@pytest.fixture(scope="module")
def foreign(stack: Stack) -> Foreign:
    return Foreign(stack)


@pytest.fixture(scope="module")
def stranger(stack: Stack) -> Account:
    """With money, and with a task of its own that is served by the same kind of upstream."""
    return Upstream(stack, Channel.Kind.TRUEAI).account


@pytest.fixture(scope="module")
def own(stranger: Account) -> str:
    return stranger.draw("zzslow")


def _button(task: dict[str, Any], beginning: str) -> str:
    ids = [button["customId"] for button in task["buttons"]]
    return next(custom_id for custom_id in ids if custom_id.startswith(beginning))


# By route: the bodies that would do something with a task, if it were one's own.
BODIES: dict[str, Callable[[Foreign, str], list[dict[str, Any]]]] = {
    "submit/change": lambda foreign, task_id: [
        {"taskId": task_id, "action": "UPSCALE", "index": 1},
        {"taskId": int(task_id), "action": "REROLL"},
    ],
    "submit/simple-change": lambda foreign, task_id: [
        {"content": f"{task_id} V2"},
        {"content": f"{task_id} r"},
    ],
    "submit/action": lambda foreign, task_id: [
        {"taskId": task_id, "customId": _button(foreign.grid, "MJ::JOB::upsample::1")},
        {"taskId": task_id, "customId": _button(foreign.single, "MJ::CustomZoom")},
        {"taskId": task_id, "customId": "MJ::Job::PicReader::all"},
        {"taskId": task_id, "customId": "MJ::BOOKMARK::1"},
    ],
    "submit/modal": lambda foreign, task_id: [
        {"taskId": task_id},
        {"taskId": int(task_id), "prompt": "mine now"},
    ],
    "submit/video": lambda foreign, task_id: [
        {"action": "extend", "taskId": task_id, "index": 0},
        {"action": "extend", "taskId": int(task_id), "index": "3", "prompt": "mine now"},
    ],
}
# Routes that take no id of a task.
WITHOUT_ID = {
    "submit/imagine", "submit/blend", "submit/describe", "submit/shorten", "submit/edits",
    "submit/edit", "insight-face/swap", "submit/upload-discord-images", "task/list", "task/queue",
}  # fmt: skip
LISTS = ["task/list-by-condition", "task/list-by-ids"]
IN_PATH = {
    "task/<task_id>/fetch": "GET",
    "task/<task_id>/image-seed": "GET",
    "task/<task_id>/cancel": "POST",
}
FILES = {"image/<task_id>", "video/<task_id>/<int:number>"}


class Unchanged:
    """What both tenants have, before and after."""

    def __init__(self, foreign: Foreign, stranger: Account) -> None:
        self.foreign, self.stranger = foreign, stranger
        self.before = self.look()

    def look(self) -> Any:
        tasks = Task.objects.filter(pk__in=self.foreign.ids).order_by("pk")
        shown = [
            (task.status, task.hold_reference, task.token_id, task.hinted_at) for task in tasks
        ]
        owner = self.foreign.owner
        sent = len(owner.stack.submits(""))
        money = [(account.funds, account.written) for account in (owner, self.stranger)]
        return shown, money, sent

    def check(self) -> None:
        assert self.look() == self.before


@pytest.fixture
def unchanged(foreign: Foreign, stranger: Account, own: str) -> Unchanged:
    return Unchanged(foreign, stranger)


def test_every_route_is_looked_at_here() -> None:
    assert {*BODIES, *WITHOUT_ID, *LISTS, *IN_PATH, *FILES} == set(ROUTES)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("route", BODIES)
def test_a_task_of_another_tenant_cannot_be_continued(
    foreign: Foreign, stranger: Account, unchanged: Unchanged, route: str, prefix: str
) -> None:
    for task_id in [*foreign.ids, UNKNOWN]:
        for body in BODIES[route](foreign, task_id):
            answer = stranger.request("POST", f"/{prefix}/{route}", json=body)
            # Nothing tells it from one that never was.
            assert assert_refused(answer, 404, "task_not_found") == "task not found"
    unchanged.check()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("route", IN_PATH)
def test_a_task_of_another_tenant_is_not_there(
    foreign: Foreign, stranger: Account, unchanged: Unchanged, route: str, prefix: str
) -> None:
    for task_id in [*foreign.ids, UNKNOWN]:
        path = f"/{prefix}/{route.replace('<task_id>', task_id)}"
        answer = stranger.request(IN_PATH[route], path)
        assert assert_refused(answer, 404, "task_not_found") == "task not found"
    unchanged.check()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("route", LISTS)
def test_tasks_of_another_tenant_are_left_out_of_a_list(
    foreign: Foreign, stranger: Account, own: str, route: str, prefix: str
) -> None:
    for ids in (foreign.ids, [int(task_id) for task_id in foreign.ids], [*foreign.ids, own]):
        answer = stranger.request("POST", f"/{prefix}/{route}", json={"ids": ids})
        assert answer.status_code == 200
        assert [row["id"] for row in answer.json()] == [own] * (own in ids)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("route", ["task/list", "task/queue"])
def test_a_list_of_everything_is_of_ones_own(
    stranger: Account, own: str, foreign: Foreign, route: str, prefix: str
) -> None:
    rows = stranger.request("GET", f"/{prefix}/{route}").json()
    assert [row["id"] for row in rows] == [own]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_signature_of_ones_own_picture_opens_no_other(
    foreign: Foreign, stranger: Account, own: str, prefix: str
) -> None:
    wait_until(lambda: stranger.fetch(own)["imageUrl"], what="a preview")
    signature = signing.sign("image", int(own))
    assert signature in stranger.fetch(own)["imageUrl"]
    for task_id in foreign.ids:
        for number in ("", "&n=0", "&n=1", "&v=1"):
            path = f"/{prefix}/image/{task_id}?sig={signature}{number}"
            assert_refused(stranger.request("GET", path), 403, "wrong_signature")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_signature_of_ones_own_video_opens_no_other(
    foreign: Foreign, stranger: Account, own: str, prefix: str
) -> None:
    video, picture = signing.sign("video", int(own)), signing.sign("image", int(own))
    for task_id in foreign.ids:
        for signature in (video, picture, ""):
            path = f"/{prefix}/video/{task_id}/0?sig={signature}"
            assert_refused(stranger.request("GET", path), 403, "wrong_signature")


def test_the_signature_of_a_picture_is_none_for_a_video(foreign: Foreign) -> None:
    """Nor the other way round, nor for a hint: each is good for one thing."""
    task_id, site = foreign.video["id"], foreign.owner.stack.url
    picture, video = signing.sign("image", int(task_id)), signing.sign("video", int(task_id))
    for path in (f"video/{task_id}/0?sig={picture}", f"image/{task_id}?sig={video}"):
        assert_refused(requests.get(f"{site}/mj/{path}", timeout=9), 403, "wrong_signature")
    for signature in (picture, video):
        answer = requests.post(f"{site}/hints/{task_id}.{signature}", json={}, timeout=9)
        assert_refused(answer, 404, "task_not_found")


def test_a_link_is_made_for_one_task_whatever_key_comes_with_it(
    foreign: Foreign, stranger: Account
) -> None:
    """Links are meant to be passed on: whoever has it sees the picture, with any key or none."""
    link = urlsplit(foreign.grid["imageUrl"])
    answer = stranger.request("GET", f"{link.path}?{link.query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")


def test_the_word_of_ones_own_hint_moves_no_other_task(
    foreign: Foreign, stranger: Account, own: str, unchanged: Unchanged
) -> None:
    own_word = signing.sign("hint", int(own))
    for task_id in foreign.ids:
        for word in (f"{task_id}.{own_word}", f"{task_id}.", task_id, f"{task_id}.{'A' * 22}"):
            answer = stranger.request("POST", f"/hints/{word}", json={"id": task_id})
            assert answer.status_code == 404
            assert_refused(answer, 404, "task_not_found")
    unchanged.check()


def test_a_hint_of_ones_own_that_names_another_task_brings_nothing_of_it(
    foreign: Foreign, stranger: Account, own: str
) -> None:
    """A liar at the upstream: the own task's word, the other task's ids there."""
    theirs = Task.objects.get(pk=foreign.grid["id"])
    word = f"{own}.{signing.sign('hint', int(own))}"
    for named in (theirs.upstream_id, foreign.grid["id"]):
        answer = stranger.request("POST", f"/hints/{word}", json={"id": named})
        assert (answer.status_code, answer.content) == (200, b"")
    shown = wait_until(lambda: stranger.fetch(own), what="the own task")
    assert shown["status"] != "SUCCESS"
    assert Task.objects.get(pk=own).upstream_id != theirs.upstream_id


def test_another_key_of_the_same_tenant_reads_and_continues(
    foreign: Foreign, stranger: Account
) -> None:
    """Tasks are the tenant's, not the key's."""
    other = foreign.owner.new_key()
    assert other.fetch(foreign.grid["id"])["id"] == foreign.grid["id"]
    body = {"taskId": foreign.grid["id"], "action": "UPSCALE", "index": 2}
    assert other.request("POST", "/mj/submit/change", json=body).status_code == 200


def test_without_a_key_nothing_is_there_at_all(foreign: Foreign) -> None:
    for route, method in IN_PATH.items():
        path = route.replace("<task_id>", foreign.grid["id"])
        answer = requests.request(method, f"{foreign.owner.stack.url}/mj/{path}", timeout=9)
        assert_refused(answer, 401, "invalid_api_key")


def test_an_idle_stranger_with_no_channel_is_told_the_same(foreign: Foreign, stack: Stack) -> None:
    """Whether money or a channel is missing does not show whether the task exists."""
    poor = open_account(stack, funds="0")
    Channel.objects.filter(pk=poor.channel.pk).update(state=Channel.State.DISABLED)
    for route, bodies in BODIES.items():
        for body in bodies(foreign, foreign.grid["id"]):
            answer = poor.request("POST", f"/mj/{route}", json=body)
            assert_refused(answer, 404, "task_not_found")
