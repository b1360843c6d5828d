"""What the sandbox offers to tests: journal, inbox, switches, and the page that explains it."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from .running import PNG, SECRET, NewApi, Sandbox, TrueAi, eventually, start, stop

STEERING_WORDS = (
    "zzfail",
    "zzslow",
    "zzwords",
    "zzban",
    "zzqueue",
    "zzfull",
    "zzcode3",
    "zzhang",
    "zzcut",
    "zzlost",
    "zznull204",
    "zzdead",
    "zzempty",
    "zz401",
    "zz429",
    "zz500",
    "zz502",
    "zz503",
    "zztwice",
    "zzjumble",
    "zzmute",
    "zznoend",
    "zzfast",
    "zzrelax",
    "zzturbo",
    "zzpartner",
    "zzinstant",
    "zzexists",
    "zzsweep",
    "zzminus1",
    "zzquota",
    "zzorphan",
    "zznext",
)


def test_submits_are_written_down_with_headers_and_short_base64(sandbox: Sandbox) -> None:
    answer = sandbox.imagine("written down", base64Array=[PNG])
    (submit,) = sandbox.submits("written down")
    assert submit["path"] == "/midjourney-proxy/mj/submit/imagine"
    assert submit["body"] == {"prompt": "written down", "base64Array": [PNG[:40]]}
    assert submit["headers"]["mj-api-secret"] == SECRET["mj-api-secret"]
    assert (submit["accepted"], submit["id"]) == (True, answer["result"])
    assert abs(submit["at"] - time.time() * 1000) < 5000


def test_calls_are_counted_by_route(sandbox: Sandbox) -> None:
    route = "/midjourney-proxy/mj/task/{id}/fetch"
    before = sandbox.helper("calls").get(route, 0)
    sandbox.mj("task/1/fetch")
    sandbox.mj("task/2/fetch")
    assert sandbox.helper("calls")[route] == before + 2


def test_the_inbox_answers_as_its_address_says(sandbox: Sandbox) -> None:
    def statuses(query: str) -> list[int]:
        url = sandbox.inbox("rude" + query)
        return [requests.post(url, data=b"hello").status_code for _ in range(3)]

    assert statuses("?fail=2") == [500, 500, 200]
    assert statuses("?status=410") == [410, 410, 410]
    assert len(sandbox.helper("inbox/rude")) == 6
    assert sandbox.helper("inbox/rude")[0]["body"] == "hello"
    busy = requests.post(sandbox.inbox("busy?status=503&retry_after=1&sleep=0.2"))
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "1")
    assert busy.elapsed.total_seconds() >= 0.2
    assert requests.post(sandbox.inbox("big"), data=b"." * 1_048_577).status_code == 413
    assert sandbox.helper("inbox/never") == []


def test_a_dead_account_refuses_with_code_3(sandbox: Sandbox, grid: dict[str, Any]) -> None:
    assert sandbox.helper("control", {"alive": False})["alive"] is False
    assert sandbox.imagine("anybody there?")["description"] == "无可用的账号实例"
    change = sandbox.mj("submit/simple-change", {"content": f"{grid['id']} u1"}).json()
    assert (change["code"], change["description"]) == (3, "账号不可用: 1077900000000000001")
    assert sandbox.mj("task/queue").json() == []


def test_hanging_polls_are_answered_when_they_are_switched_back(sandbox: Sandbox) -> None:
    sandbox.helper("control", {"hang_polls": True})
    with pytest.raises(requests.ReadTimeout):
        sandbox.mj("task/list-by-condition", {"ids": []}, timeout=0.2)
    assert sandbox.imagine("submits go on")["code"] == 1
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(sandbox.mj, "task/queue")
        time.sleep(0.2)
        assert not late.done()
        sandbox.helper("control", {"hang_polls": False})
        assert late.result().status_code == 200


def test_forget_loses_every_task_and_frees_the_workers(narrow: Sandbox) -> None:
    ids = [narrow.imagine("to be lost")["result"] for _ in range(3)]
    assert narrow.imagine("no place")["code"] == 23
    narrow.helper("control", {"forget": True, "drawing_seconds": 0.1})
    assert narrow.find(*ids) == []
    assert narrow.drawn("afterwards")["status"] == "SUCCESS"


def test_an_unknown_switch_is_refused(sandbox: Sandbox) -> None:
    answer = requests.post(f"{sandbox.address}/sandbox/control", json={"alvie": False})
    assert answer.status_code == 400
    assert "alvie" in answer.text


@pytest.mark.parametrize(
    "wish",
    [
        {"trueai_version": "12"},
        {"trueai_modes": "FAST"},
        {"trueai_modes": ["SLOW"]},
        {"trueai_double_end": 1},
        {"trueai_fast_left": "many"},
        {"newapi_hooks": "yes"},
    ],
)
def test_a_switch_takes_only_what_it_knows(sandbox: Sandbox, wish: dict[str, Any]) -> None:
    before = sandbox.helper("control", {})
    answer = requests.post(f"{sandbox.address}/sandbox/control", json=wish)
    assert answer.status_code == 400
    assert sandbox.helper("control", {}) == before


def test_every_dialect_writes_its_submits_down(
    sandbox: Sandbox, trueai: TrueAi, newapi: NewApi
) -> None:
    for number, dialect in enumerate((sandbox, trueai, newapi)):
        answer = dialect.imagine(f"journal {number}", base64Array=[PNG])
        (submit,) = dialect.submits(f"journal {number}")
        assert submit["path"] == f"{dialect.base}/mj/submit/imagine"
        assert submit["body"]["base64Array"] == [PNG[:40]]
        assert (submit["accepted"], submit["id"]) == (True, answer["result"])


def test_what_has_lost_its_sender_half_way_is_written_down_without_a_body(
    sandbox: Sandbox, trueai: TrueAi, newapi: NewApi
) -> None:
    """Nobody takes it. What has come of it is its head (tests/stack.py, whole_submits)."""
    for dialect in (sandbox, trueai, newapi):
        path = f"{dialect.base}/mj/submit/imagine"
        before = len(sandbox.submits(""))
        with socket.create_connection(("127.0.0.1", urlsplit(sandbox.address).port or 0)) as line:
            lines = [f"POST {path} HTTP/1.1", "Host: sandbox", "Content-Type: application/json"]
            lines += ["Content-Length: 30", *(f"{name}: {text}" for name, text in SECRET.items())]
            line.sendall("\r\n".join([*lines, "", '{"prompt": "a ']).encode())
            eventually(lambda count=before: len(sandbox.submits("")) > count)
        came = sandbox.submits("")[-1]
        assert (came["path"], came["body"], came["accepted"]) == (path, None, False)


def test_forget_loses_the_tasks_of_every_dialect() -> None:
    sandbox = start(drawing_seconds=600)
    try:
        for dialect in (TrueAi, NewApi):
            speaker = dialect(sandbox.process, sandbox.address)
            task_id = speaker.imagine("to be lost")["result"]
            assert len(speaker.find(task_id)) == 1
            sandbox.helper("control", {"forget": True})
            assert speaker.find(task_id) == []
    finally:
        stop(sandbox)


def test_the_help_page_names_every_word_and_the_base_address(sandbox: Sandbox) -> None:
    page = requests.get(f"{sandbox.address}/sandbox/").text
    assert all(word in page for word in STEERING_WORDS)
    for base in ("midjourney-proxy", "trueai", "newapi"):
        assert f"{sandbox.address}/{base}" in page
    knobs = [
        name for name in sandbox.helper("control", {}) if name.startswith(("trueai", "newapi"))
    ]
    assert all(f"  {name} " in page for name in knobs)
