"""What the hook of a task hears, by dialect and by the words that steer it."""

from .running import LIFE, NewApi, Sandbox, TrueAi, eventually


def test_a_drawing_is_told_to_the_hook_step_by_step(sandbox: Sandbox) -> None:
    answer = sandbox.imagine(" a red fox ", state="my state", notifyHook=sandbox.inbox("steps"))
    assert (answer["code"], answer["description"]) == (1, "提交成功")
    assert list(answer["properties"]) == ["discordInstanceId"]
    sandbox.ended(answer["result"])
    posts = eventually(lambda: [p for p in [sandbox.posts("steps")] if len(p) == len(LIFE)])[0]
    assert [(post["status"], post["progress"]) for post in posts] == LIFE
    assert {post["id"] for post in posts} == {answer["result"]}
    assert [bool(post["imageUrl"]) for post in posts] == [False] * 3 + [True] * 6
    assert all("?rand=" in post["imageUrl"] for post in posts[3:-1])


def test_zztwice_sends_every_hook_post_twice(sandbox: Sandbox) -> None:
    sandbox.drawn("zztwice", notifyHook=sandbox.inbox("twice"))
    eventually(lambda: len(sandbox.posts("twice")) == 2 * len(LIFE))


def test_zzjumble_lets_the_end_overtake_older_posts(sandbox: Sandbox) -> None:
    sandbox.imagine("zzjumble", notifyHook=sandbox.inbox("jumble"))
    posts = eventually(lambda: [p for p in [sandbox.posts("jumble")] if len(p) == len(LIFE)])[0]
    arrived = [(post["status"], post["progress"]) for post in posts]
    assert sorted(arrived) == sorted(LIFE)
    assert arrived.index(("SUCCESS", "100%")) < arrived.index(("IN_PROGRESS", "93%"))


def test_zzmute_sends_no_hook_posts(sandbox: Sandbox) -> None:
    sandbox.drawn("zzmute", notifyHook=sandbox.inbox("mute"))
    assert sandbox.posts("mute") == []


def test_zznoend_tells_the_progress_only(sandbox: Sandbox) -> None:
    sandbox.drawn("zznoend", notifyHook=sandbox.inbox("noend"))
    assert sandbox.life("noend", posts=len(LIFE) - 1) == LIFE[:-1]


# trueai


def test_trueai_tells_the_end_twice(trueai: TrueAi) -> None:
    trueai.imagine("double end", notifyHook=trueai.inbox("double"))
    assert trueai.life("double", posts=len(LIFE) + 1) == [*LIFE, LIFE[-1]]
    (letter, *_) = trueai.helper("inbox/double")
    assert letter["headers"]["content-type"] == "application/json; charset=utf-8"
    assert "user-agent" not in letter["headers"]


def test_trueai_tells_the_end_once_when_told_to(trueai: TrueAi) -> None:
    trueai.helper("control", {"trueai_double_end": False})
    trueai.drawn("single end zzfail", notifyHook=trueai.inbox("single"))
    assert trueai.life("single", posts=6)[-1] == ("FAILURE", "")


def test_trueai_never_tells_of_a_step_back(trueai: TrueAi) -> None:
    video = trueai.ended(
        trueai.submit("video", prompt="waves", image="https://a.example/b.png")["result"]
    )
    trueai.helper("control", {"trueai_double_end": False, "drawing_seconds": 2})
    extension = trueai.submit(
        "video",
        prompt="more waves",
        action="extend",
        taskId=video["id"],
        index=0,
        notifyHook=trueai.inbox("extend"),
    )
    seen: dict[tuple[str, str, str], None] = {}

    def look() -> bool:
        (task,) = trueai.find(extension["result"])
        seen[task["status"], task["progress"], task["action"]] = None
        return bool(task["finishTime"])

    eventually(look)
    assert list(seen)[:4] == [
        ("SUBMITTED", "0%", "UPSCALE"),
        ("IN_PROGRESS", "0%", "UPSCALE"),
        ("SUBMITTED", "0%", "VIDEO"),
        ("IN_PROGRESS", "0%", "VIDEO"),
    ]
    assert trueai.life("extend", posts=len(LIFE)) == LIFE


def test_trueai_tells_nobody_of_a_task_that_was_swept_away(trueai: TrueAi) -> None:
    task_id = trueai.imagine("zzsweep", notifyHook=trueai.inbox("sweep"))["result"]
    (task,) = eventually(lambda: [t for t in trueai.find(task_id) if t["status"] == "FAILURE"])
    assert task["failReason"] == "任务超时，自动取消"
    assert (task["startTime"], task["finishTime"]) == (None, None)
    assert trueai.posts("sweep") == []


# new-api


def test_newapi_tells_no_hook_unless_it_is_switched_on(newapi: NewApi) -> None:
    newapi.drawn("no hooks", notifyHook=newapi.inbox("off"))
    assert newapi.posts("off") == []
    newapi.helper("control", {"newapi_hooks": True})
    task = newapi.drawn("hooks", notifyHook=newapi.inbox("on"))
    assert newapi.life("on", posts=len(LIFE) + 1)[-1] == ("SUCCESS", "100%")
    # It is the upstream that posts, in its own shape and with its own links.
    post = newapi.posts("on")[-1]
    assert post["properties"]["discordInstanceId"]
    assert post["imageUrl"] != task["imageUrl"]
