"""The pages of tasks: everybody's for the staff, one task, the gallery, the tenant's overview."""

import re
import time
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.test import Client

from billing import money
from billing.models import Entry, Member, Role, StaffMember, StaffRole, Token
from channels.adapters.base import Update
from console.accounts import sessions
from relay import lifecycle
from relay.models import Attempt, Hook, Task
from tests.accounts import Account
from tests.api.v1.people import new_user
from tests.faults.place import accept, begin

HOSTILE = '<script>alert("x")</script> \N{RIGHT-TO-LEFT OVERRIDE}evil ' + "\N{ARABIC LETTER ALEF}"
PICTURE = "https://upstream.example/secret-picture.png"


def person(role: str, account: Account | None = None) -> Client:
    """Signed in a moment ago: a member of the account's tenant, or one of the staff."""
    user = new_user()
    if account is None:
        StaffMember.objects.create(user=user, role=role)
    else:
        Member.objects.create(user=user, tenant=account.tenant, role=role)
    found = Client()
    found.force_login(user)
    confirm(found, time.time())
    return found


def confirm(client: Client, at: float) -> None:
    """As if the person had given the password at that time."""
    session = client.session
    session[sessions.BEGAN], session[sessions.SEEN] = at, time.time()
    # What allauth writes of it.
    given = {"method": "password", "at": at, "reauthenticated": True}
    session["account_authentication_methods"] = [given]
    session["account_authentication_methods_user"] = session[SESSION_KEY]
    session.save()


@pytest.fixture
def owner(bystander: Account) -> Client:
    return person(Role.OWNER, bystander)


@pytest.fixture
def operator(bystander: Account) -> Client:
    return person(StaffRole.OPERATOR)


def place(account: Account, rest: str = "") -> str:
    return f"/console/tenants/{account.tenant.pk}/{rest}"


def drawn(account: Account, prompt: str = "a lighthouse", **news: Any) -> int:
    """Accepted and drawn, without anybody but us."""
    task_id = begin(account, prompt)
    accept(task_id, f"up-{task_id}")
    told = {"status": "SUCCESS", "image_url": PICTURE} | news
    task = Task.objects.select_related("token", "parent").get(pk=task_id)
    assert lifecycle.apply(task, Update(upstream_id=f"up-{task_id}", **told))
    return task_id


def text(page: Any) -> str:
    assert page.status_code == 200, page.content.decode()[:2000]
    return str(page.content.decode())


def ids(page: Any) -> list[str]:
    """The tasks of a list, each once, in its order."""
    return list(dict.fromkeys(re.findall(r"/tasks/(\d{16})/", text(page))))


def test_the_staff_finds_tasks_by_each_filter(bystander: Account, operator: Client) -> None:
    done, lost = drawn(bystander), begin(bystander, "another")
    Attempt.objects.filter(task=lost).update(outcome=Attempt.Outcome.UNKNOWN)
    Task.objects.filter(pk=done).update(is_written_off=True)
    own = {"tenant": bystander.tenant.pk}
    channel, key = bystander.channel.pk, bystander.token.pk
    found = {
        (str(lost), str(done)): [
            {}, {"channel": channel}, {"key": key}, {"action": "IMAGINE"}, {"mode": "fast"},
            {"is_test": "false"}, {"since": "2026-01-01T00:00"}, {"id": str(done)[:8]},
        ],
        (str(lost),): [{"unknown_outcome": "true"}, {"id": lost}, {"written_off": "false"}],
        (str(done),): [{"status": "SUCCESS"}, {"written_off": "true"}, {"id": done},
                       {"unknown_outcome": "false"}],
        (): [{"status": "CANCEL"}, {"mode": "relax"}, {"until": "2026-01-01T00:00"}, {"id": "2"}],
    }  # fmt: skip
    for wanted, questions in found.items():
        for query in questions:
            assert ids(operator.get("/console/tasks/", own | query)) == list(wanted), query


@pytest.mark.parametrize(
    "query",
    [
        {"id": "x"}, {"id": "9" * 17}, {"tenant": "-1"}, {"tenant": "9" * 30}, {"status": "LOST"},
        {"since": "yesterday"}, {"channel": "1;2"}, {"key": "3.5"}, {"after": "!!"},
        {"tenant": "999999999"}, {"written_off": "perhaps"}, {"id": "a\x00b"},
        {"id": "x", "status": "SUCCESS"}, {"unknown_outcome": "true", "status": "SUCCESS"},
        {"tenant": "9" * 18, "mode": "fast"}, {"id": "9" * 16, "channel": "1", "after": "MQ"},
    ],
)  # fmt: skip
def test_bad_filters_break_nothing(operator: Client, query: dict[str, str]) -> None:
    assert ids(operator.get("/console/tasks/", query)) == []


def test_the_list_alone_is_what_htmx_gets(bystander: Account, operator: Client) -> None:
    drawn(bystander)
    headers = {"HX-Request": "true", "HX-Target": "list-tasks"}
    part = text(operator.get("/console/tasks/", headers=headers))
    assert part.lstrip().startswith("<section")
    assert "<form" not in part


def test_nobody_but_the_staff_sees_everybody_s_tasks(bystander: Account, owner: Client) -> None:
    task_id = drawn(bystander)
    for path in ("", f"{task_id}/", f"{task_id}/settle/", f"{task_id}/refund/"):
        assert owner.get(f"/console/tasks/{path}").status_code == 404
    assert owner.post(f"/console/tasks/{task_id}/look/").status_code == 404


def test_a_tenant_sees_its_task_and_nothing_of_the_upstream(
    bystander: Account, owner: Client, operator: Client
) -> None:
    task_id = drawn(bystander)
    Attempt.objects.filter(task=task_id).update(answer="the upstream's raw text", cost=1)
    secrets = (f"up-{task_id}", bystander.channel.name, "raw text", "Credential", "Look now")
    seen = text(owner.get(place(bystander, f"tasks/{task_id}/")))
    for secret in (*secrets, "upstream.example"):
        assert secret not in seen
    # The site's people see it at both places; the picture comes through us for them, too.
    for path in (f"/console/tasks/{task_id}/", place(bystander, f"tasks/{task_id}/")):
        whole = text(operator.get(path))
        assert all(secret in whole for secret in secrets[:3])
        assert f'src="/mj/image/{task_id}?sig=' in whole
        assert "upstream.example" not in whole


def test_another_tenant_s_task_is_not_there(bystander: Account, owner: Client) -> None:
    other = Member.objects.filter(tenant=bystander.tenant).get()
    task_id = drawn(bystander)
    Member.objects.filter(pk=other.pk).delete()
    assert owner.get(place(bystander, f"tasks/{task_id}/")).status_code == 404
    assert owner.get(place(bystander, "gallery/")).status_code == 404
    assert owner.get(place(bystander)).status_code == 404


def test_a_page_tells_all_that_happened(bystander: Account, operator: Client) -> None:
    task_id = drawn(bystander, fail_reason="")
    child = drawn(bystander, "its child")
    Task.objects.filter(pk=child).update(parent=task_id, action="UPSCALE")
    whole = text(operator.get(f"/console/tasks/{task_id}/"))
    for said in ("Asked for", "Hold", "Capture", "Attempt 1", "Accepted", "100 %", "$99.90"):
        assert said in whole, said
    assert f"/console/tasks/{child}/" in whole
    assert f"/console/tasks/{task_id}/" in text(operator.get(f"/console/tasks/{child}/"))


def test_a_task_under_way_asks_often_and_shows_its_preview(
    bystander: Account, owner: Client
) -> None:
    task_id = drawn(bystander, status="IN_PROGRESS", progress=40)
    page = text(owner.get(place(bystander, f"tasks/{task_id}/")))
    assert 'data-refresh="3"' in page
    assert "40 %" in page
    address = re.search(rf'src="(/mj/image/{task_id}\?sig=[^"]*v=\d+)"', page)
    assert address
    headers = {"HX-Request": "true", "HX-Target": "task"}
    part = text(owner.get(place(bystander, f"tasks/{task_id}/"), headers=headers))
    assert part.lstrip().startswith('<div id="task"')


def test_several_pictures_and_videos_come_through_us(bystander: Account, owner: Client) -> None:
    urls = [{"url": f"{PICTURE}?{number}"} for number in range(4)]
    videos = [{"url": "https://upstream.example/a.mp4"}]
    task_id = drawn(bystander, image_urls=urls, video_url=videos[0]["url"], video_urls=videos)
    Task.objects.filter(pk=task_id).update(action="VIDEO")
    page = owner.get(place(bystander, f"tasks/{task_id}/"))
    assert len(set(re.findall(rf'src="/mj/image/{task_id}\?sig=[^"]+n=(\d)"', text(page)))) == 4
    assert re.search(rf'<video [^>]*src="/mj/video/{task_id}/0\?sig=', text(page))
    assert "media-src 'self'" in page["Content-Security-Policy"]
    assert "upstream.example" not in text(page)
    assert "Video" in text(owner.get(place(bystander, "gallery/")))


def test_hostile_texts_are_only_texts(bystander: Account, owner: Client, operator: Client) -> None:
    long = HOSTILE + "x" * 4000
    good = drawn(bystander, long)
    bad = drawn(bystander, long, status="FAILURE", image_url=None, fail_reason=long)
    Task.objects.filter(pk__in=(good, bad)).update(
        state=long, description=long, final_prompt=long, prompt_en=long
    )
    Attempt.objects.filter(task__in=(good, bad)).update(answer=long)
    paths = [place(bystander), place(bystander, "gallery/"), place(bystander, "gallery/?view=list")]
    paths += [place(bystander, f"tasks/{one}/") for one in (good, bad)]
    pages = [owner.get(path) for path in paths]
    pages += [operator.get(path) for path in ("/console/tasks/", f"/console/tasks/{bad}/")]
    for page in pages:
        shown = text(page)
        assert "&lt;script&gt;alert" in shown
        assert "<script>alert" not in shown
        assert not re.search(r"\sstyle=|<style|\son\w+=|hx-on|javascript:", shown)


def test_a_refund_says_what_was_paid_and_counts_once(bystander: Account, operator: Client) -> None:
    task_id = drawn(bystander)
    path = f"/console/tasks/{task_id}/refund/"
    asked = text(operator.get(path))
    assert "$0.10 was paid, $0.00 is refunded, $0.10 is left." in asked
    body = {"amount": "0.04", "memo": "sorry", "refunded_before": "0.00"}
    assert "This field is required" in text(operator.post(path, body | {"memo": ""}))
    assert operator.post(path, body)["Location"] == f"/console/tasks/{task_id}/"
    assert "it has been refunded meanwhile" in text(operator.post(path, body))
    assert "at most what is left" in text(
        operator.post(path, body | {"amount": "0.07", "refunded_before": "0.04"})
    )
    entry = Entry.objects.get(reference=str(task_id), kind=Entry.Kind.REFUND)
    assert (money.text(entry.amount), entry.memo) == ("0.04", "sorry")
    rest = {"amount": "", "memo": "all of it", "refunded_before": "0.04"}
    assert operator.post(path, rest).status_code == 302
    assert bystander.funds == ("100.00", "0.00")
    whole = text(operator.get(f"/console/tasks/{task_id}/"))
    assert f'href="{path}"' not in whole


def test_money_wants_a_fresh_sign_in(bystander: Account) -> None:
    client = person(StaffRole.OPERATOR)
    confirm(client, time.time() - settings.SIGN_IN_FRESH_SECONDS - 60)
    task_id = drawn(bystander)
    for path, body in (
        ("refund", {"memo": "x", "refunded_before": "0.00"}),
        ("settle", {"outcome": "failed", "memo": "x"}),
    ):
        answer = client.post(f"/console/tasks/{task_id}/{path}/", body)
        assert answer.status_code == 302
        assert f"/console/tasks/{task_id}/" not in answer["Location"].partition("?")[0]
    assert bystander.funds == ("99.90", "0.00")


def test_an_unknown_one_is_settled_as_failed_or_as_drawn(
    bystander: Account, operator: Client, owner: Client
) -> None:
    lost, found = begin(bystander), begin(bystander, "another")
    Attempt.objects.filter(task__in=(lost, found)).update(outcome=Attempt.Outcome.UNKNOWN)
    path = f"/console/tasks/{lost}/settle/"
    assert f'href="{path}"' in text(operator.get(f"/console/tasks/{lost}/"))
    body = {"outcome": "drawn", "memo": "seen there", "image_url": "", "video_url": ""}
    wrong = text(operator.post(path, body | {"reason": ""}))
    assert "say where the picture is" in wrong
    failed = {"outcome": "failed", "reason": "lost", "memo": "asked them"}
    assert operator.post(path, failed).status_code == 302
    told = text(owner.get(place(bystander, f"tasks/{lost}/")))
    assert "lost" in told
    drawn_body = body | {"image_url": PICTURE, "reason": ""}
    assert operator.post(f"/console/tasks/{found}/settle/", drawn_body).status_code == 302
    assert Task.objects.get(pk=found).status == "SUCCESS"
    assert bystander.funds == ("99.90", "0.00")
    assert "there is nothing to decide" in text(operator.post(path, drawn_body))


def test_a_look_makes_it_due_now(bystander: Account, operator: Client) -> None:
    task_id = begin(bystander)
    before = Task.objects.get(pk=task_id).next_poll_at
    assert operator.get(f"/console/tasks/{task_id}/look/").status_code == 405
    assert operator.post(f"/console/tasks/{task_id}/look/").status_code == 302
    after = Task.objects.get(pk=task_id)
    assert after.hinted_at is not None
    assert before is not None
    ended = drawn(bystander)
    assert operator.post(f"/console/tasks/{ended}/look/").status_code == 409


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (StaffRole.OPERATOR, {"look", "settle", "refund"}),
        (StaffRole.SUPPORT, {"look"}),
        (StaffRole.FINANCE, {"refund"}),
    ],
)
def test_only_buttons_that_one_may_press_are_shown(
    bystander: Account, role: str, sees: set[str]
) -> None:
    paid, lost = drawn(bystander), begin(bystander)
    Attempt.objects.filter(task=lost).update(outcome=Attempt.Outcome.UNKNOWN)
    client = person(role)
    pages = "".join(text(client.get(f"/console/tasks/{one}/")) for one in (paid, lost))
    assert set(re.findall(r"/console/tasks/\d+/(look|settle|refund)/", pages)) == sees
    forbidden = {
        "settle": (lost, {"outcome": "failed", "memo": "x"}),
        "refund": (paid, {"memo": "x", "refunded_before": "0.00"}),
    }
    for deed, (task_id, body) in forbidden.items():
        if deed not in sees:
            assert client.post(f"/console/tasks/{task_id}/{deed}/", body).status_code == 403
    assert Task.objects.get(pk=lost).status == "NOT_START"
    assert bystander.funds == ("99.90", "0.10")


def test_a_gallery_is_a_grid_or_a_list_in_pages(bystander: Account, owner: Client) -> None:
    made = [str(drawn(bystander, f"number {number}")) for number in range(30)]
    first = owner.get(place(bystander, "gallery/"))
    assert ids(first) == made[:5:-1]
    older = re.search(r'href="([^"]+)" rel="next"', text(first))
    assert older
    second = owner.get(older[1].replace("&amp;", "&"))
    assert ids(second) == made[5::-1]
    assert '<div class="gallery">' in text(first)
    rows = text(owner.get(place(bystander, "gallery/"), {"view": "list"}))
    assert "<table" in rows
    assert 'name="view" value="list"' in rows
    assert "upstream.example" not in text(first) + rows
    assert f"playground/?task={made[-1]}" in text(first)


def test_a_gallery_is_filtered(bystander: Account, owner: Client) -> None:
    good = drawn(bystander)
    bad = drawn(bystander, status="FAILURE", image_url=None, fail_reason="banned by somebody")
    page = owner.get(place(bystander, "gallery/"), {"status": "FAILURE"})
    assert ids(page) == [str(bad)]
    assert "banned by somebody" in text(page)
    key = {"key": bystander.token.pk, "id": str(good)}
    assert ids(owner.get(place(bystander, "gallery/"), key)) == [str(good)]
    for query in ({"status": "MODAL"}, {"id": "x"}, {"key": "0"}, {"since": "never"}):
        assert ids(owner.get(place(bystander, "gallery/"), query)) == []
    # What is the site's alone is no question of a tenant's.
    assert len(ids(owner.get(place(bystander, "gallery/"), {"written_off": "true"}))) == 2


def test_an_empty_gallery_leads_to_the_playground(bystander: Account, owner: Client) -> None:
    assert "To the playground" in text(owner.get(place(bystander, "gallery/")))


def test_a_new_tenant_is_told_what_to_do_first(bystander: Account, owner: Client) -> None:
    page = text(owner.get(place(bystander)))
    assert "The first drawing" in page
    assert "mj/submit/imagine" in page
    assert "$100.00" in page
    drawn(bystander)
    assert "The first drawing" not in text(owner.get(place(bystander)))


def test_an_overview_shows_what_needs_a_look(bystander: Account, owner: Client) -> None:
    drawn(bystander)
    Token.objects.filter(pk=bystander.token.pk).update(budget=110_000, spent=100_000)
    Hook.objects.create(tenant=bystander.tenant, url="https://dead.example/hook", digest=b"x" * 32)
    page = text(owner.get(place(bystander)))
    assert "https://dead.example/hook" in page
    assert "91 % of its budget in all are used" in page
    assert "data-plot" in page
    assert "Imagine" in page
    for part in ("home-tasks", "home-money"):
        headers = {"HX-Request": "true", "HX-Target": part}
        found = text(owner.get(place(bystander), headers=headers))
        assert f'id="{part}"' in found[:200]
        assert "<html" not in found


@pytest.mark.parametrize("role", Role.values)
def test_every_member_sees_the_pages(bystander: Account, role: str) -> None:
    task_id = drawn(bystander)
    client = person(role, bystander)
    for path in ("", "gallery/", f"tasks/{task_id}/"):
        page = text(client.get(place(bystander, path)))
        assert "Refund</a>" not in page
