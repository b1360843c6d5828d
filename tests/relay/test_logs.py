"""What stands in the logs, and above all what does not."""

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from threading import Thread

import gevent
import pytest

from common import logs, redaction
from tests.accounts import Account
from tests.stack import wait_until

KEY = "sk-" + "Ab3" * 16
PICTURE = "iVBORw0KGgo" + "A" * 5000
HOSTILE = {
    "key": f"the key {KEY} is wrong",
    "test key": "sk-test-" + "x" * 48,
    "management key": "mk-" + "x" * 48,
    "webhook secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "Stripe": "sk_live_" + "x" * 24,
    "header": "mj-api-secret: swordfish",
    "header, quoted": "{'Authorization': 'Bearer swordfish', 'Accept': '*/*'}",
    "header, bytes": "b'Authorization: Bearer swordfish'",
    "header, as a pair": "[('mj-api-secret', 'swordfish')]",
    "basic": "Proxy-Authorization: Basic c3dvcmRmaXNo",
    "bearer": "it was sent with Bearer swordfish-0123456789",
    "json": '{"password": "swordfish with \\" a quote", "user": "alice"}',
    "json in json": '{"body": "{\\"secret\\": \\"swordfish\\"}"}',
    "environment": "KEY_HASH_SECRET='swordfish' ENCRYPTION_SECRET=swordfish",
    "database": "postgres://relay:sword:fish@db.example:5432/relay",
    "redis": "redis://:swordfish@redis.example/0",
    "cookie": "Cookie: theme=dark; sessionid=swordfish; other=1",
    "picture link": "https://relay.example/mj/image/17?a=1&sig=swordfish",
    "hint": "http://relay.example/hints/1720333718022739.swordfish",
    "token": "eyJhbGciOi.eyJzd29yZGZpc2gi.c3dvcmRmaXNo",
    "picture": f"data:image/png;base64,{PICTURE}",
    "bare picture": f"'base64Array': ['{PICTURE}']",
    "picture in lines": "\n".join(["QUJD" * 19] * 20),
    "known": "upstream says: who is x9-upstream-secret?",
    "known, escaped": "https://u.example/?who=p%C3%A4ss%2Fword%21&json=p\\u00e4ss/word!",
}
# None of these may be left of any of them.
FORBIDDEN = (
    "swordfish", "sword:fish", "Ab3Ab3", "xxxx", "C2FVsB", "c3dvcmRmaXNo", "eyJzd29", "AAAAAA",
    "QUJDQUJD", "x9-upstream", "%C3%A4ss", "u00e4ss",
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def known_secrets() -> None:
    redaction.hide("x9-upstream-secret", "päss/word!")


@pytest.fixture(params=[logs.JSON, logs.LINE])
def style(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# Of nobody's family: the handlers of the test run are not asked about it.
logger = logging.Logger("tests.logs")  # noqa: LOG001


@pytest.fixture
def written(style: str) -> Iterator[Callable[[], str]]:
    """What it has written, as the product would."""
    stream = io.StringIO()
    made = logs.configuration(level="INFO", style=style)["formatters"][style]["()"]
    handler = logs.Handler(stream)
    handler.setFormatter(made())
    logger.addHandler(handler)
    yield stream.getvalue
    logger.removeHandler(handler)


@pytest.mark.parametrize("what", HOSTILE)
def test_no_secret_and_no_picture_stands_in_a_log(what: str, written: Callable[[], str]) -> None:
    text = HOSTILE[what]
    logger.warning("said: %s", text)
    logger.warning(text.replace("%", "%%"))
    try:
        try:
            raise ValueError(text)
        except ValueError as error:
            raise RuntimeError("it broke") from error
    except RuntimeError:
        logger.exception("task 17: %r", {"body": text})
    # The arguments do not fit.
    logger.warning("%d pictures", text)
    log = written()
    assert log.count("WARNING") == 3
    assert log.count("RuntimeError: it broke") == 1
    for forbidden in FORBIDDEN:
        assert forbidden not in log


@pytest.mark.parametrize(
    "text",
    [
        "task 1720333718022739: outcome of its submit is unknown: ReadTimeout",
        "key sk-abcdefgh of tenant 5",
        "password authentication failed for user relay",
        "channel upstream-1 cannot be asked: https://upstream.example/mj/task/list",
        "GET mj/task/<task_id>/fetch 200",
        "risk-assessment-of-something-long",
        "队列已满，请稍后尝试",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redaction.redact(text) == text


@pytest.mark.parametrize(
    "text",
    ["é" * 10**6, "_-" * 10**6, "secret=" * 10**5, '\\"' * 10**5, "://a:" * 10**5,
     ("A" * 199 + "\\") * 10**4, "secret" + " " * 10**6, "cookie" * 10**5],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_a_long_and_odd_text_keeps_nobody_busy(text: str) -> None:
    began = time.process_time()
    assert len(redaction.redact(text)) < redaction.READ_MAX_CHARS + 100
    assert time.process_time() - began < 1


def test_nobody_forges_a_line(style: str, written: Callable[[], str]) -> None:
    try:
        raise ValueError("one\n2026-01-01T00:00:00.000Z INFO relay two\x1b[2J")
    except ValueError:
        logger.exception("a\r\nb\x1b[31m \u2028 c \ud83d \x00")
    lines = written().splitlines()
    if style == logs.JSON:
        assert len(lines) == 1
        assert json.loads(lines[0])["logger"] == "tests.logs"
    else:
        assert all(line.startswith("    ") for line in lines[1:])
    assert "\x1b" not in written()


def test_json_has_what_is_known_of_the_work() -> None:
    record = logging.LogRecord("relay.x", logging.WARNING, "", 0, "task %s", (17,), None)
    logs.begin(request_id="abc", tenant_id=5)
    logs.add(task_id=17)
    with logs.about(channel="first"):
        told = json.loads(logs.JsonFormatter().format(record))
    assert told.pop("time").endswith("Z")
    assert told.pop("process") > 0
    assert told == {
        "level": "WARNING",
        "logger": "relay.x",
        "message": "task 17",
        "request_id": "abc",
        "tenant_id": 5,
        "task_id": 17,
        "channel": "first",
    }
    assert "channel" not in logs.known()
    logs.begin(request_id="def")
    assert logs.known() == {"request_id": "def"}


@pytest.mark.parametrize("kind", ["greenlet", "thread"])
def test_what_is_known_belongs_to_one_greenlet(kind: str) -> None:
    logs.begin(request_id="ours")
    seen: list[object] = []

    def work(number: int) -> None:
        logs.begin(request_id=number)
        gevent.sleep(0.01)
        seen.append(logs.known())

    if kind == "greenlet":
        gevent.joinall([gevent.spawn(work, number) for number in range(3)])
    else:
        threads = [Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(seen, key=str) == [{"request_id": number} for number in range(3)]
    assert logs.known() == {"request_id": "ours"}


@pytest.mark.parametrize(("level", "style"), [("LOUD", "line"), ("INFO", "xml")])
def test_a_wrong_setting_is_told(level: str, style: str) -> None:
    with pytest.raises(ValueError, match="LOG_"):
        logs.configuration(level=level, style=style)


def test_a_request_is_one_line_in_the_log(account: Account) -> None:
    """Its route, not its path; its tenant and the beginning of its key."""
    task_id = account.draw("a line in the log")
    answer = account.request("GET", f"/mj/task/{task_id}/fetch?sig=swordfish")
    web = account.stack.log
    request_id = answer.headers["X-Request-Id"]
    (line,) = wait_until(lambda: [row for row in web("web").splitlines() if request_id in row])
    assert "GET mj/task/<task_id>/fetch 200" in line
    assert f"tenant_id={account.tenant.pk} key={account.token.prefix}" in line
    assert "status=200 milliseconds=" in line
    submitted = [row for row in web("web").splitlines() if f"task_id={task_id}" in row]
    assert any("mj/submit/imagine" in row for row in submitted)
    assert account.key not in web("web")
    assert "swordfish" not in web("web")
