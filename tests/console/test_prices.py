"""Pages of prices: the grid, publishing, files, and looking up."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from billing import books, drafts, pricing
from billing.drafts import Ratio, Rule
from billing.models import Group, Member, PriceBook, Role
from common.models import AuditEntry
from tests.accounts import Account
from tests.api.v1.people import new_user
from tests.console.prices_desk import Staff, draft, inputs, signed_in, staff, text

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test is taken back, and the number of the next one's prices is the same."""
    known = pricing._Known(generation=-1, prices=pricing.Prices(), until=0)
    monkeypatch.setattr(pricing, "_known", known)


@pytest.fixture
def operator(bystander: Account) -> Staff:
    return staff()


def amounts(book: PriceBook, name: str) -> dict[str, int]:
    return {f"{rule.mode}": rule.amount for rule in book.rules.filter(name=name)}


def test_cells_are_changed_added_and_emptied_in_one_go(operator: Staff) -> None:
    book = draft()
    answer = operator.change(
        book.pk,
        {
            "mj_imagine, Everybody, Any mode": " $0.12 ",
            "mj_imagine, Everybody, Relax": "0.05",
            "mj_pan, Everybody, Any mode": "",
            "Name of new line 1": "mj_*",
            "New line 1, Everybody, Turbo": "0.5",
        },
    )
    assert answer.status_code == 302, text(answer)
    assert amounts(book, "mj_imagine") == {"": 120_000, "relax": 50_000}
    assert amounts(book, "mj_pan") == {}
    assert amounts(book, "mj_*") == {"turbo": 500_000}
    assert "4 changes are saved." in text(operator.client.get(answer["Location"]))
    entry = AuditEntry.objects.latest("id")
    assert entry.deed == "edit price book"
    assert entry.after is not None
    assert entry.after["rules"]["mj_imagine relax"] == "0.05"


def test_what_is_wrong_stands_at_its_cell_and_nothing_is_lost(operator: Staff) -> None:
    book = draft()
    answer = operator.change(
        book.pk,
        {
            "mj_imagine, Everybody, Fast": "much",
            "mj_blend, Everybody, Fast": "0.3",
            "Name of new line 1": "mj_*_x",
            "New line 1, Everybody, Fast": "-1",
        },
    )
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "this must be a text such as" in page.split('value="much"')[1][:600]
    assert "* may only stand once" in page
    assert 'value="0.3"' in page
    assert amounts(book, "mj_blend") == {"": 100_000}


def test_two_people_who_change_the_same_cell_are_told_and_others_are_not(operator: Staff) -> None:
    book, other = draft(), staff()
    mine = operator.get(f"{book.pk}/").content.decode()
    theirs = other.get(f"{book.pk}/").content.decode()
    cell = "mj_imagine, Everybody, Any mode"
    other.change(book.pk, {cell: "0.20"}, seen=theirs)
    # Another cell: no quarrel.
    answer = operator.change(book.pk, {"mj_pan, Everybody, Any mode": "0.07"}, seen=mine)
    assert answer.status_code == 302
    answer = operator.change(book.pk, {cell: "0.30"}, seen=mine)
    assert "by now 0.20" in text(answer)
    assert "Nothing is saved yet" in text(answer)
    assert amounts(book, "mj_imagine") == {"": 200_000}
    again = operator.client.post(f"/console/prices/{book.pk}/", inputs(answer.content.decode()))
    assert again.status_code == 302
    assert amounts(book, "mj_imagine") == {"": 300_000}
    assert amounts(book, "mj_pan") == {"": 70_000}


def test_groups_and_tenants_stand_beside_everybody(operator: Staff, bystander: Account) -> None:
    book, tenant = draft(), bystander.tenant
    drafts.set_ratio(book, Ratio(tenant.group_id, Decimal(2)))
    scopes = ["all", f"group:{tenant.group.name}", f"tenant:{tenant.pk}"]
    page = operator.get(f"{book.pk}/", scope=scopes).content.decode()
    fast = operator.cell(page, f"mj_imagine, Group {tenant.group.name}, Fast")
    assert 'placeholder="0.20"' in page.split(f'name="{fast}"')[1][:200]
    answer = operator.client.post(
        f"/console/prices/{book.pk}/?scope=all&scope=tenant:{tenant.pk}",
        inputs(operator.get(f"{book.pk}/", scope=scopes[::2]).content.decode()) | {"c.0.5": "0.01"},
    )
    assert answer.status_code == 302, text(answer)
    rule = book.rules.get(tenant=tenant)
    assert (rule.name, rule.mode, rule.amount) == ("mj_imagine", "fast", 10_000)


def test_ratios_are_changed_beside_the_prices(operator: Staff, bystander: Account) -> None:
    book, group = draft(), bystander.tenant.group
    answer = operator.change(book.pk, {f"Ratio of {group}": "0.8"})
    assert answer.status_code == 302, text(answer)
    page = operator.get(f"{book.pk}/").content.decode()
    fields = inputs(page) | {"ratio": "0.5", "ratio_group": group.name, "ratio_home": group.name}
    operator.client.post(f"/console/prices/{book.pk}/", fields)
    found = {(line.group_id, line.home_id): str(line.ratio) for line in book.ratios.all()}
    assert found == {(group.pk, None): "0.800000", (group.pk, group.pk): "0.500000"}
    wrong = operator.change(book.pk, {f"Ratio of {group}": "-1"})
    assert "greater than or equal to 0" in text(wrong)


@pytest.mark.parametrize(
    "shown", ["", "{", "[]", "null", '{"rows": 1}', "[" * 5000, '{"rows":[],"columns":[[1]]}']
)
def test_a_form_that_is_not_ours_is_refused(operator: Staff, shown: str) -> None:
    book = draft()
    answer = operator.post(f"{book.pk}/", shown=shown)
    assert answer.status_code == 400
    assert "open the page again" in text(answer)


def test_a_published_book_is_read_only(operator: Staff) -> None:
    live = PriceBook.objects.in_force()
    assert live is not None
    page = operator.get(f"{live.pk}/").content.decode()
    assert "matrix-cell" not in page
    assert "$0.10" in page
    state = {"rows": ["mj_pan"], "columns": [[None, None, ""]], "shown": {}, "ratios": []}
    answer = operator.post(f"{live.pk}/", shown=json.dumps(state), **{"c.0.0": "9"})
    assert "published, and does not change" in text(answer)


def test_a_draft_is_begun_published_for_later_and_withdrawn(operator: Staff) -> None:
    live = PriceBook.objects.in_force()
    assert live is not None
    made = operator.post("new/", origin=live.pk, memo="spring")
    book = PriceBook.objects.latest("id")
    assert (made["Location"], book.memo) == (f"/console/prices/{book.pk}/", "spring")
    assert book.rules.count() == live.rules.count()
    operator.change(book.pk, {"mj_imagine, Everybody, Any mode": "0.15"})
    page = operator.get(f"{book.pk}/publish/")
    assert "+50.0 %" in text(page)
    digest = page.context["form"].initial["digest"]
    later = timezone.localtime(timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    answer = operator.post(
        f"{book.pk}/publish/", digest=digest, reason="new season", effective_at=later
    )
    assert answer.status_code == 302, text(answer)
    assert AuditEntry.objects.latest("id").why == "new season"
    assert "Waits for its time" in text(operator.get())
    operator.post(f"{book.pk}/withdraw/", yes="1")
    book.refresh_from_db()
    assert book.published_at is None
    operator.post(f"{book.pk}/delete/", yes="1")
    assert not PriceBook.objects.filter(pk=book.pk).exists()


def test_what_somebody_has_just_changed_is_not_published_unseen(operator: Staff) -> None:
    book = draft()
    page = operator.get(f"{book.pk}/publish/")
    digest = page.context["form"].initial["digest"]
    drafts.set_rule(book, Rule("mj_pan", 9_990_000))
    answer = operator.post(f"{book.pk}/publish/", digest=digest)
    assert "changed" in text(answer)
    assert "$9.99" in text(answer)
    fields = {"digest": answer.context["form"]["digest"].value()}
    assert operator.post(f"{book.pk}/publish/", **fields).status_code == 302
    assert PriceBook.objects.in_force() == book


def test_an_older_book_comes_back_with_a_reason(operator: Staff) -> None:
    old = PriceBook.objects.in_force()
    assert old is not None
    newer = draft()
    drafts.set_rule(newer, Rule("mj_pan", 5_000_000))
    books.release(newer, actor="test")
    page = text(operator.get(f"{old.pk}/roll-back/"))
    assert "$5.00" in page
    assert operator.post(f"{old.pk}/roll-back/", memo="").status_code == 200
    answer = operator.post(f"{old.pk}/roll-back/", memo="too dear")
    back = PriceBook.objects.in_force()
    assert back is not None
    assert answer["Location"] == f"/console/prices/{back.pk}/"
    assert (back.origin, back.memo) == (old, "too dear")


def test_a_copy_of_a_book_that_was_replaced_meanwhile_is_warned_of(operator: Staff) -> None:
    book = draft()
    assert "would undo" not in text(operator.get(f"{book.pk}/"))
    books.release(draft(), actor="test")
    assert "would undo" in text(operator.get(f"{book.pk}/"))
    assert "would undo" in text(operator.get(f"{book.pk}/publish/"))


def test_books_come_and_go_as_files(operator: Staff) -> None:
    book = draft()
    whole = operator.get(f"{book.pk}/content.json")
    assert whole["Content-Disposition"] == f'attachment; filename="price-book-{book.pk}.json"'
    prices = json.loads(operator.get(f"{book.pk}/new-api/ModelPrice.json").content)
    assert prices["mj_imagine"] == 0.1
    assert operator.get(f"{book.pk}/new-api/Other.json").status_code == 404
    drafts.set_rule(book, Rule("mj_pan", 1, "fast"))
    page = operator.get(f"{book.pk}/files/")
    assert "1 line is not in these files" in text(page)
    digest = page.context["whole"].initial["digest"]
    file = SimpleUploadedFile("prices.json", b"\xef\xbb\xbf" + whole.content)
    fields: dict[str, Any] = {"kind": "whole", "whole-digest": digest, "whole-text-file": file}
    assert operator.post(f"{book.pk}/files/", **fields).status_code == 302
    assert operator.get(f"{book.pk}/content.json").content == whole.content
    maps = {"kind": "maps", "maps-model_price": '{"mj_pan": 0.2}', "maps-replace": "on"}
    assert operator.post(f"{book.pk}/files/", **maps).status_code == 302
    assert {rule.name for rule in book.rules.all()} == {"mj_pan"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "maps", "maps-model_price": '{"mj_pan": 1,\n "x": }'}, "line 2, column 7"),
        ({"kind": "maps", "maps-group_ratio": '{"vip": -1}'}, "GroupRatio: line 1"),
        ({"kind": "maps"}, "Choose a file"),
        ({"kind": "whole", "whole-text": '{"rules": []}'}, "line 1, column 1: there are no ratios"),
        ({"kind": "whole", "whole-text": "[", "whole-digest": "x"}, "somebody has changed"),
        ({"kind": "whole", "whole-text-file": SimpleUploadedFile("x", b"\xff")}, "not a text in"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(
    operator: Staff, fields: dict[str, Any], says: str
) -> None:
    book = draft()
    before = drafts.rules_of(book)
    assert says in text(operator.post(f"{book.pk}/files/", **fields))
    assert drafts.rules_of(book) == before


def test_the_rule_that_decides_is_told_and_why(operator: Staff, bystander: Account) -> None:
    tenant, book = bystander.tenant, draft()
    drafts.set_ratio(book, Ratio(tenant.group_id, Decimal(3)))
    asked = {"tenant": tenant.name, "action": "IMAGINE", "mode": "relax", "book": book.pk}
    found = operator.get("look-up/", **asked).context["found"]
    assert (found["amount"], found["ratio"]) == ("0.30", "3.000000")
    drafts.set_rule(book, Rule("mj_*", 70_000, "relax", tenant.pk))
    drafts.set_rule(book, Rule("mj_imagine", 60_000, "", tenant.pk))
    page = operator.get("look-up/", **asked | {"tenant": tenant.pk})
    found = page.context["found"]
    assert [(row["name"], row["amount"]) for row in found["rules"]] == [
        ("mj_imagine", "0.06"),
        ("mj_*", "0.07"),
        ("mj_imagine", "0.10"),
    ]
    assert (found["amount"], found["ratio"]) == ("0.06", None)
    assert "for this tenant only" in text(page)
    book.rules.all().delete()
    assert "Not sold" in text(operator.get("look-up/", **asked))
    assert "no such tenant" in text(operator.get("look-up/", **asked | {"tenant": HOSTILE}))


def test_a_tenant_sees_what_it_pays_and_what_is_not_offered(bystander: Account) -> None:
    user = new_user()
    Member.objects.create(user=user, tenant=bystander.tenant, role=Role.VIEWER)
    place = f"/console/tenants/{bystander.tenant.pk}/prices/"
    book = draft()
    drafts.set_rule(book, Rule("mj_upload", 0))
    drafts.set_rule(book, Rule("mj_imagine", 7_000, "relax", None, bystander.tenant.group_id))
    book.rules.filter(name="swap_face").delete()
    books.release(book, actor="test")
    client = signed_in(user)
    page = client.get(place)
    rows = {row["label"]: dict(row["amounts"]) for row in page.context["rows"]}
    assert rows["Imagine"] == {"fast": "0.10", "relax": "0.007", "turbo": "0.10"}
    assert rows["Swap faces"] == dict.fromkeys(rows["Imagine"])
    assert "free" in text(page)
    assert "not offered" in text(page)
    assert client.get(place, {"key": "999999999"}).status_code == 404


def test_a_key_with_another_group_has_its_own_prices(bystander: Account) -> None:
    user = new_user()
    Member.objects.create(user=user, tenant=bystander.tenant, role=Role.OWNER)
    group = Group.objects.create(name=f"{bystander.tenant.name}-vip")
    bystander.token.group = group
    bystander.token.save()
    book = draft()
    drafts.set_rule(book, Rule("mj_imagine", 1_000, "", None, group.pk))
    books.release(book, actor="test")
    place = f"/console/tenants/{bystander.tenant.pk}/prices/"
    client = signed_in(user)
    assert '<option value="' in client.get(place).content.decode()
    page = client.get(place, {"key": bystander.token.pk})
    assert dict(page.context["rows"][0]["amounts"])["fast"] == "0.001"


@pytest.mark.parametrize(("role", "status"), [("finance", 200), ("support", 403)])
def test_only_some_of_the_staff_see_prices_and_only_operators_change_them(
    bystander: Account, role: str, status: int
) -> None:
    some, book = staff(role), draft()
    assert some.get().status_code == status
    page = some.get(f"{book.pk}/")
    assert page.status_code == status
    assert "matrix-cell" not in page.content.decode()
    for path in ("publish/", "delete/", "note/"):
        assert some.post(f"{book.pk}/{path}", memo="x", digest="x").status_code == 403
    assert PriceBook.objects.filter(pk=book.pk, published_at=None).exists()


def test_a_tenant_s_people_find_no_price_books(bystander: Account) -> None:
    user = new_user()
    Member.objects.create(user=user, tenant=bystander.tenant, role=Role.OWNER)
    assert signed_in(user).get("/console/prices/").status_code == 404


@pytest.mark.parametrize("deed", ["publish", "roll-back"])
def test_what_a_book_would_have_earned_comes_after_the_question(operator: Staff, deed: str) -> None:
    book = draft()
    page = operator.get(f"{book.pk}/{deed}/").content.decode()
    address = f"/console/prices/{book.pk}/preview/"
    assert f'hx-get="{address}"' in page
    assert f'<a href="{address}"' in page
    answer = operator.client.get(address, headers={"HX-Target": "preview-totals"})
    part = answer.content.decode()
    assert "They would have earned" in part
    assert "<html" not in part


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "0", "x", "\u0663", "\x00", "1.5"])
def test_no_number_in_an_address_is_a_crash(
    operator: Staff, bystander: Account, number: str
) -> None:
    book = draft()
    asked = {"tenant": number, "action": "IMAGINE", "mode": "fast", "key": number}
    for path, query in (
        ("new/", {"origin": number}),
        (f"{book.pk}/", {"scope": f"tenant:{number}", "from": number, "tenant": number}),
        (f"{book.pk}/differences/", {"to": number}),
        (f"{book.pk}/preview/", {"first": number, "last": number}),
        ("look-up/", asked),
        ("look-up/", asked | {"tenant": bystander.tenant.name}),
        ("look-up/", asked | {"tenant": bystander.tenant.name, "book": number}),
    ):
        answer = operator.get(path, **query)
        assert answer.status_code in (200, 400, 404), (path, text(answer))
    tenants = operator.client.get(
        f"/console/tenants/{bystander.tenant.pk}/prices/", {"key": number}
    )
    assert tenants.status_code == 200


def test_hostile_names_and_notes_are_only_text(operator: Staff) -> None:
    book = draft()
    operator.post(f"{book.pk}/note/", memo=HOSTILE)
    drafts.set_rule(book, Rule('"><script>x', 1))
    for path in ("", f"{book.pk}/", f"{book.pk}/differences/", f"{book.pk}/publish/", "new/"):
        page = operator.get(path).content.decode()
        assert HOSTILE not in page
        assert '"><script>x' not in page
