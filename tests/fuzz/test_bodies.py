"""Bodies that no sane client sends: the contract's shape always, no money for a no, and nothing
reaches an upstream but what was priced.

They are the same in every run. FUZZ_EXAMPLES says how many for each form of a submit.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from billing import books
from billing.models import Entry
from channels.models import Channel
from relay import actions, signing
from relay.api.schema import examples, refusals
from relay.models import Task
from relay.submits import modes
from tests.api.shapes import assert_every_answer, assert_refused, assert_task
from tests.api.upstreams import BASES, Upstream
from tests.fuzz.bodies import ODD, STATE, Form, odd_values, parsed, text_of, texts_like
from tests.fuzz.examples import bounded
from tests.prices import PRICES
from tests.stack import Stack

EXAMPLES = 10
LIST_EXAMPLES, FORM_EXAMPLES = 40, 20
NAVY, RED, PROMPT = examples.NAVY, examples.RED, examples.PROMPT
PNG, OTHER_PNG = (base64.b64decode(url.partition(",")[2]) for url in (NAVY, RED))
LIST = "/mj/task/list-by-condition"
# What an upstream may say no to, and the only refusals above 499.
UPSTREAMS_NO = {"upstream_rejected": 502, "no_channel": 503}

FORMS = {
    "imagine": Form("submit/imagine", {"prompt": PROMPT, "base64Array": [NAVY], "base64": RED}),
    "relax": Form("submit/imagine", {"prompt": f"{PROMPT} --turbo", "mode": "RELAX"}),
    "blend": Form("submit/blend", {"base64Array": [NAVY, RED], "dimensions": "PORTRAIT"}),
    "describe": Form(
        "submit/describe", {"base64": NAVY, "link": "http://pictures.example:9/a.png"}
    ),
    "shorten": Form("submit/shorten", {"prompt": PROMPT}),
    "edits": Form("submit/edits", {"prompt": PROMPT, "image": NAVY, "maskBase64": examples.MASK}),
    "video": Form("submit/video", {"prompt": PROMPT, "image": NAVY, "motion": "high"}),
    "extend": Form("submit/video", {"action": "extend", "taskId": "{video}", "index": 0}),
    "upload": Form("submit/upload-discord-images", {"base64Array": [NAVY]}),
    "swap": Form("insight-face/swap", {"sourceBase64": NAVY, "targetBase64": RED}),
    "change": Form("submit/change", {"taskId": "{grid}", "action": "UPSCALE", "index": 2}),
    "simple-change": Form("submit/simple-change", {"content": "{grid} V3"}),
    "action": Form("submit/action", {"taskId": "{grid}", "customId": "{V1}"}),
    "zoom": Form("submit/action", {"taskId": "{single}", "customId": "{CustomZoom}"}),
    "modal": Form("submit/modal", {"taskId": "{modal}", "prompt": PROMPT, "maskBase64": NAVY}),
}
# What midjourney-proxy 2.x cannot do; the last three need a task that it cannot make.
CANNOT = {"shorten", "edits", "video", "upload", "swap", "extend", "zoom", "modal"}
NEEDS_BUTTONS = {"extend", "zoom", "modal"}
SUBMITS = [
    (name, kind)
    for name in FORMS
    for kind in BASES
    if kind != Channel.Kind.MIDJOURNEY_PROXY or name not in NEEDS_BUTTONS
]


@pytest.fixture(scope="module", autouse=True)
def different_prices(database: str) -> Iterator[None]:
    """Each price name has a price of its own, so that no mix-up stays hidden."""
    names = enumerate(actions.all_price_names(), start=1)
    books.publish({name: 1000 * number for number, name in names}, memo="fuzzed bodies")
    yield
    books.publish_json(PRICES, memo="tests")


@pytest.fixture(scope="module")
def upstreams(stack: Stack) -> Callable[[str], Upstream]:
    opened: dict[str, Upstream] = {}

    def at(kind: str) -> Upstream:
        if kind not in opened:
            opened[kind] = Upstream(stack, kind, funds="1000000")
            Channel.objects.filter(pk=opened[kind].account.channel.pk).update(pass_filters=True)
        return opened[kind]

    return at


@pytest.mark.parametrize(("name", "kind"), SUBMITS)
def test_a_submit_is_answered_in_the_contracts_shape_and_only_forwarded_as_it_was_priced(
    upstreams: Callable[[str], Upstream],
    name: str,
    kind: str,
    record_property: Callable[[str, object], None],
) -> None:
    upstream = upstreams(kind)
    form = _filled(FORMS[name], upstream)
    watch = Watch(upstream, form.route)

    @bounded(EXAMPLES)
    @given(text=texts_like(form))
    def run(text: bytes) -> None:
        watch.submit(text)

    watch.submit(text_of([]))
    watch.submit(json.dumps(form.body).encode())
    assert watch.accepted or (kind == Channel.Kind.MIDJOURNEY_PROXY and name in CANNOT)
    run()
    watch.compare_with_the_journal()
    record_property("fuzz_cases", watch.tried)


class Watch:
    """Sends bodies and looks at the books after each; the upstream's journal is read at the end."""

    def __init__(self, upstream: Upstream, route: str) -> None:
        self.upstream, self.route = upstream, route
        self.account = upstream.account
        self.stack = self.account.stack
        self.journal_before = len(self.stack.submits(""))
        self.tasks_before = set(self._tasks())
        self.said: dict[int, dict[str, Any]] = {}
        self.tried = self.accepted = 0

    def submit(self, text: bytes, **headers: Any) -> None:
        self.tried += 1
        before, newest = self._tasks(), self._newest_entry()
        path = f"/mj/{self.route}"
        answer = self.account.request("POST", path, data=text, headers=headers)
        new = self._tasks() - before
        assert len(new) <= 1
        if answer.status_code == 200:
            self.accepted += 1
            self._check_accepted(answer, new)
            if self.route.endswith("modal"):
                assert str(parsed(text)["taskId"]) == answer.json()["result"]
        else:
            _assert_a_refusal(answer)
            self._check_nothing_charged(new, newest)
        for task_id in new:
            with suppress(ValueError):
                self.said[task_id] = parsed(text)

    def _check_accepted(self, answer: requests.Response, new: set[int]) -> None:
        assert_every_answer(answer)
        body = answer.json()
        assert list(body) == ["code", "description", "result", "properties"]
        if self.route.endswith("upload-discord-images"):
            assert all(isinstance(url, str) for url in body["result"])
            assert body["result"]
        elif self.route.endswith("modal"):
            assert not new
        else:
            assert {int(body["result"])} == new
        if body["code"] == 21:
            assert list(body["properties"]) == ["finalPrompt", "remix"]
            assert body["properties"]["finalPrompt"]
        else:
            assert (body["code"], body["properties"]) == (1, {})

    def _check_nothing_charged(self, new: set[int], newest: int) -> None:
        """What was held for it, if anything, is free again: an upstream said no, not we."""
        assert not (new and self.route.endswith("modal"))
        for task in Task.objects.filter(pk__in=new):
            assert task.status == "FAILURE"
            assert self.account.attempts(task.pk) == ["refused"]
            kinds = [kind for kind, _, _ in self.account.entries(task.hold_reference)]
            assert kinds == ["hold", "release"]
        holds = Entry.objects.filter(wallet=self.account.wallet, pk__gt=newest, kind="hold")
        for hold in holds:
            assert Entry.objects.filter(reference=hold.reference, kind="release").exists()

    def compare_with_the_journal(self) -> None:
        """Each submit there is a task of ours, handed over once, as it was asked for and priced."""
        sent = self.stack.submits("")[self.journal_before :]
        confirmed = [one for one in sent if one["path"].endswith("submit/modal")]
        uploaded = [one for one in sent if one["path"].endswith("upload-discord-images")]
        drawn = [one for one in sent if one not in confirmed and one not in uploaded]
        new = self._tasks() - self.tasks_before
        tasks = {signing.correlation(pk): Task.objects.get(pk=pk) for pk in new}
        uploads = [task for task in tasks.values() if task.action == "UPLOAD"]
        assert len(uploaded) == len(uploads)
        assert len({one["body"]["state"] for one in drawn}) == len(drawn)
        assert len(drawn) + len(uploaded) == len(tasks)
        for one in drawn:
            self._compare(one, tasks[one["body"]["state"]])
        for task in tasks.values():
            _assert_priced(task)
        for one in confirmed:
            (task,) = Task.objects.filter(upstream_id=one["body"]["taskId"])
            assert task.tenant_id == self.account.tenant.pk
            _assert_priced(task, actions.MODAL_PRICE_NAMES)
        assert STATE not in str(sent)

    def _compare(self, one: dict[str, Any], task: Task) -> None:
        body, said = one["body"], self.said[task.pk]
        assert task.tenant_id == self.account.tenant.pk
        hint = signing.hint_url(task.pk).removeprefix(settings.PUBLIC_URL)
        assert body["notifyHook"] == self.stack.url + hint
        prompt = modes.without_flags(str(said.get("prompt") or "").strip())
        if self.upstream.kind != Channel.Kind.MIDJOURNEY_PROXY:
            base = BASES[self.upstream.kind]
            assert one["path"].startswith(f"{base}/mj-{task.mode}/mj/")
            assert body["accountFilter"]["modes"] == [task.mode.upper()]
        elif "prompt" in body:
            prompt = f"{prompt} --{task.mode}"
        if "prompt" in body and "taskId" not in body:
            expected = prompt.replace(" --niji", "")
            assert body["prompt"].replace(" --niji", "").endswith(expected)
        if task.action not in ("DESCRIBE", "SHORTEN"):
            assert task.prompt == modes.without_flags(str(said.get("prompt") or "").strip()) or (
                "taskId" in body or "content" in said
            )
        if "customId" in body:
            self._compare_button(body["customId"], task)
        elif "taskId" not in body:
            assert one["path"].rpartition("/mj/")[2] == self.route.replace("edit/", "edits/")
        if "action" in body and "motion" not in body:
            assert body["action"] == task.action

    def _compare_button(self, custom_id: str, task: Task) -> None:
        meaning = actions.meaning(custom_id)
        assert meaning is not None
        assert meaning.action.name == task.action
        assert task.custom_id in ("", custom_id)

    def _tasks(self) -> set[int]:
        return set(Task.objects.filter(tenant=self.account.tenant).values_list("pk", flat=True))

    def _newest_entry(self) -> int:
        return Entry.objects.filter(wallet=self.account.wallet).latest("id").pk


def _assert_priced(task: Task, names: tuple[str, ...] = ()) -> None:
    """What was held is what this action costs."""
    hold = Entry.objects.get(reference=task.hold_reference, kind="hold")
    first = names or next(
        action.price_names
        for action in vars(actions).values()
        if isinstance(action, actions.Action) and action.name == task.action
    )
    if task.hold_suffix:
        first = actions.MODAL_PRICE_NAMES
    assert hold.price_rule is not None
    assert hold.price_rule.name == first[0]
    assert hold.held == task.price == hold.price_rule.amount


def _assert_a_refusal(answer: requests.Response) -> None:
    body = answer.json()
    kind = body["type"]
    if answer.status_code >= 500:
        assert UPSTREAMS_NO[kind] == answer.status_code, answer.text
    shown = refusals.BODIES[kind]
    properties = body["properties"] if kind == "banned_prompt" else {}
    assert_refused(answer, answer.status_code, kind, code=shown["code"], properties=properties)
    assert answer.status_code in (400, 404, 413, 429, 502, 503)


def _filled(form: Form, upstream: Upstream) -> Form:
    """The form with tasks and buttons that there are."""
    known = {"{grid}": lambda: upstream.grid["id"]}
    known["{V1}"] = lambda: upstream.grid["buttons"][-4]["customId"]
    if upstream.kind != Channel.Kind.MIDJOURNEY_PROXY:
        known |= {
            "{single}": lambda: upstream.single["id"],
            "{video}": lambda: upstream.video["id"],
            "{modal}": upstream.modal,
            "{CustomZoom}": lambda: _button(upstream.single, "MJ::CustomZoom::"),
        }
    body = dict(form.body)
    for name, value in body.items():
        for mark, find in known.items():
            if isinstance(value, str) and mark in value:
                body[name] = value.replace(mark, find())
    return Form(form.route, body)


def _button(task: dict[str, Any], beginning: str) -> str:
    ids = [button["customId"] for button in task["buttons"]]
    return next(custom_id for custom_id in ids if custom_id.startswith(beginning))


def test_a_list_is_asked_for_with_anything(
    upstreams: Callable[[str], Upstream], record_property: Callable[[str, object], None]
) -> None:
    upstream = upstreams(Channel.Kind.TRUEAI)
    account, task_id = upstream.account, upstream.grid["id"]
    own = [f'"{task_id}"', task_id, f"[{task_id}]", f'["{task_id}", {task_id}]']
    values = st.one_of(
        st.sampled_from(own), odd_values, st.lists(odd_values, max_size=5).map(_list)
    )
    keys = st.sampled_from(["ids", "ids", "Ids", "IDS", "id", "state"])
    before, tried = account.written["tasks"], 0

    @bounded(LIST_EXAMPLES)
    @given(pairs=st.lists(st.tuples(keys, values), max_size=4))
    def run(pairs: list[tuple[str, str]]) -> None:
        nonlocal tried
        tried += 1
        text = text_of(pairs)
        answer = account.request("POST", LIST, data=text)
        if answer.status_code != 200:
            assert_refused(answer, 400, "invalid_request")
            return
        assert_every_answer(answer)
        asked = parsed(text).get("ids") or []
        rows = answer.json()
        assert [row["id"] for row in rows] == [task_id] * (task_id in map(str, asked))
        for row in rows:
            assert_task(row)

    run()
    assert account.written["tasks"] == before
    record_property("fuzz_cases", tried)


_NAMES = ["source", "target", "sourceBase64", "targetUrl", "state", "source\x00", "\udcff"]
_parts = st.tuples(
    st.sampled_from(_NAMES),
    st.sampled_from(["", "a.png", "../../etc/passwd", "图.png", '"'])
    | st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=9),
    st.sampled_from([PNG, PNG[:-1], b"", b"http://127.0.0.1:9/x.png", b"\x00", b"\xff\xfe"])
    | st.binary(max_size=60),
    st.sampled_from([b"", b"Content-Type: image/png; charset=nonsense", b"Content-Type: \xff",
                     b"Content-Transfer-Encoding: base64", b"X" * 3000, b"Content-Disposition: x"]),
)  # fmt: skip


def test_a_swap_is_asked_for_with_any_form(
    upstreams: Callable[[str], Upstream], record_property: Callable[[str, object], None]
) -> None:
    watch = Watch(upstreams(Channel.Kind.TRUEAI), "insight-face/swap")
    whole = [("source", "a.png", PNG, b""), ("target", "b.png", OTHER_PNG, b"")]
    watch.submit(_form(whole, b"x"), **{"Content-Type": "multipart/form-data; boundary=x"})
    assert watch.accepted

    @bounded(FORM_EXAMPLES)
    @given(
        parts=st.lists(_parts, max_size=4),
        is_whole=st.booleans(),
        named=st.sampled_from(["x", "x", "x", "y", '"', "", "é", "x" * 300]),
        cut=st.integers(0, 30),
    )
    def run(parts: list[Any], is_whole: bool, named: str, cut: int) -> None:
        body = _form([*parts, *whole] if is_whole else parts, b"x")
        content_type = f"multipart/form-data; boundary={named}".encode()
        watch.submit(body[: len(body) - cut % 9], **{"Content-Type": content_type})

    run()
    record_property("fuzz_cases", watch.tried)


def _form(parts: list[tuple[str, str, bytes, bytes]], boundary: bytes) -> bytes:
    lines = []
    for name, file, content, header in parts:
        shown = f'form-data; name="{name}"' + (f'; filename="{file}"' if file else "")
        lines += [b"--" + boundary, b"Content-Disposition: " + shown.encode(errors="replace")]
        lines += [*([header] if header else []), b"", content]
    return b"\r\n".join([*lines, b"--" + boundary + b"--", b""])


@pytest.mark.parametrize("times", [1000, 1001, 10_000, 1_000_000])
def test_ids_without_end_are_counted_before_they_are_looked_up(
    upstreams: Callable[[str], Upstream], times: int
) -> None:
    upstream = upstreams(Channel.Kind.TRUEAI)
    text = text_of([("ids", _list([upstream.grid["id"]] * times))])
    answer = upstream.account.request("POST", LIST, data=text)
    if times <= 1000:
        assert [row["id"] for row in answer.json()] == [upstream.grid["id"]]
    else:
        assert_refused(answer, 400, "invalid_request", says="ids")


@pytest.mark.parametrize("value", [*ODD, "{}" * 2], ids=range(len(ODD) + 1))
def test_a_body_that_is_one_odd_value_is_refused(
    upstreams: Callable[[str], Upstream], value: str
) -> None:
    account = upstreams(Channel.Kind.TRUEAI).account
    before = account.written["tasks"]
    for route in ("submit/imagine", "submit/modal", "submit/action", "task/list-by-condition"):
        answer = account.request("POST", f"/mj/{route}", data=value.encode())
        if route != "task/list-by-condition" or not value.startswith("{"):
            assert_refused(answer, 400, "invalid_request")
    assert account.written["tasks"] == before


def _list(values: list[str]) -> str:
    return f"[{','.join(values)}]"
