"""Drawing in the browser: watched to the end, gone on with, painted over; and the docs."""

import base64
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import urljoin

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from billing.models import Token
from relay.models import Attempt, Task
from tests.accounts import Account, open_channel
from tests.browser.console.conftest import Visitor

Visit = Callable[..., Visitor]
HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE} مرحبا " + "very" * 40
SECONDS = 25_000


@pytest.fixture
def plus(account: Account) -> Account:
    """Its channel knows buttons and modals."""
    channel = account.channel
    channel.kind = "trueai"
    channel.base_url = channel.base_url.replace("/midjourney-proxy", "/trueai")
    channel.save()
    return account


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    file = tmp_path / "cat.png"
    Image.new("RGB", (320, 240), "teal").save(file)
    return file


def finished(page: Page, action: str) -> None:
    card = page.get_by_role("article", name=action).first
    expect(card.get_by_text("Success")).to_be_visible(timeout=SECONDS)


def test_a_picture_is_drawn_upscaled_and_painted_over(visit: Visit, plus: Account) -> None:
    visitor = visit("developer", plus.tenant)
    page = visitor.open("playground/")
    expect(page.get_by_text("Nothing is drawn here yet.")).to_be_visible()
    visitor.look("playground-empty")

    page.get_by_label("Prompt", exact=True).fill("a lighthouse at dawn")
    page.get_by_text("Parameters").click()
    page.get_by_label("Aspect ratio").select_option("16:9")
    page.get_by_label("Stylize").fill("250")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(
        "a lighthouse at dawn --ar 16:9 --s 250"
    )
    page.get_by_label("Mode", exact=True).select_option("relax")
    expect(page.locator("#preview")).to_contain_text("Costs $0.10 in the mode Relax")
    page.get_by_text("The same as a program sends it").click()
    expect(page.locator("#preview code").first).to_contain_text('"mode": "relax"')
    visitor.look("playground-form")
    page.get_by_role("button", name="Imagine").dblclick()
    finished(page, "IMAGINE")
    expect(page.get_by_role("img", name="The picture")).to_have_js_property("complete", True)
    assert page.get_by_role("img", name="The picture").evaluate("image => image.naturalWidth") > 100
    assert Task.objects.filter(tenant=plus.tenant).count() == 1
    assert plus.funds == ("99.90", "0.00")
    visitor.look("playground-drawn")

    page.get_by_role("button", name="U2", exact=True).click()
    finished(page, "UPSCALE")
    page.get_by_role("button", name="Vary (Region)").click()
    canvas = page.get_by_role("img", name="The picture with what is painted over")
    expect(canvas).to_be_visible()
    expect(page.get_by_text("Nothing is painted over yet.")).to_be_visible()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + 60
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    expect(page.get_by_text("of the picture are painted over")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Nothing is painted over yet.")).to_be_visible()
    page.get_by_text("A rectangle by numbers").click()
    page.get_by_role("button", name="Add the rectangle").press("Enter")
    expect(page.get_by_text("25 % of the picture are painted over.")).to_be_visible()
    page.get_by_role("button", name="Eraser").click()
    canvas.click()
    visitor.look("playground-mask")
    page.get_by_label("What shall be there").fill("a red boat with two masts")
    painted = page.locator("input[name=mask]").input_value().rpartition(",")[2]
    page.get_by_role("button", name="Draw it").click()
    finished(page, "INPAINT")

    task = Task.objects.get(tenant=plus.tenant, action="INPAINT")
    drawn = plus.stack.submits("a red boat with two masts")
    (sent,) = [row["body"] for row in drawn if "taskId" in row["body"]]
    assert sent["taskId"] == task.upstream_id
    # (The sandbox keeps the beginning of pictures only.)
    assert sent["maskBase64"].rpartition(",")[2][:30] == painted[:30]
    mask = Image.open(BytesIO(base64.b64decode(painted))).convert("L")
    width, height = mask.size
    assert mask.getpixel((width * 3 // 10, height * 3 // 10)) == 255
    assert mask.getpixel((width // 10, height // 10)) == 0
    page.reload()
    parent = page.locator(f"#children-{task.parent_id}")
    expect(parent.get_by_role("article", name="INPAINT")).to_be_visible()
    visitor.look("playground-thread")


def test_what_is_described_is_drawn_and_a_modal_is_cancelled(
    visit: Visit, plus: Account, cat: Path
) -> None:
    visitor = visit("owner", plus.tenant)
    page = visitor.open("playground/?kind=describe")
    page.get_by_label("Pictures").set_input_files(cat)
    expect(page.get_by_role("img", name="cat.png")).to_be_visible()
    visitor.look("playground-describe")
    page.get_by_role("button", name="Describe", exact=True).click()
    finished(page, "DESCRIBE")
    expect(page.get_by_role("button", name="Draw this")).to_have_count(4)
    visitor.look("playground-described")
    page.get_by_role("link", name="Use as prompt").first.click()
    expect(page.get_by_role("heading", name="Playground")).to_be_visible()
    expect(page.get_by_label("Prompt", exact=True)).not_to_have_value("")

    page.goto(f"{page.url.partition('?')[0]}?kind=imagine")
    page.get_by_label("Prompt", exact=True).fill("a pier")
    page.get_by_role("button", name="Imagine", exact=True).click()
    finished(page, "IMAGINE")
    page.get_by_role("button", name="U1", exact=True).click()
    finished(page, "UPSCALE")
    page.get_by_role("button", name="Custom Zoom").click()
    zoom = page.get_by_role("article", name="Custom zoom")
    expect(zoom.get_by_label("Prompt")).to_be_visible()
    visitor.look("playground-zoom")
    zoom.get_by_role("button", name="Cancel").click()
    expect(zoom.get_by_text("Cancelled")).to_be_visible()
    assert Attempt.objects.filter(task__tenant=plus.tenant, outcome="modal").count() == 1
    zoom.get_by_role("link", name="As a program sends it").click()
    expect(page.get_by_role("dialog").get_by_text("Confirm it")).to_be_visible()
    visitor.look("playground-code")


def test_pictures_are_dropped_and_pasted_and_removed(visit: Visit, plus: Account) -> None:
    page = visit("admin", plus.tenant).open("playground/?kind=blend")
    held = page.evaluate_handle(
        """() => {
            const held = new DataTransfer();
            for (const name of ["a.png", "b.png"])
                held.items.add(new File([name], name, { type: "image/png" }));
            return held;
        }"""
    )
    page.locator("[data-pictures]").dispatch_event("drop", {"dataTransfer": held})
    expect(page.get_by_role("button", name="Remove")).to_have_count(2)
    page.evaluate(
        """held => document.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: held, bubbles: true }))""",
        held,
    )
    expect(page.get_by_role("button", name="Remove")).to_have_count(4)
    page.get_by_role("button", name="Remove a.png").first.click()
    expect(page.get_by_role("button", name="Remove")).to_have_count(3)
    # They are no pictures, and said so where they were asked for.
    page.get_by_role("button", name="Blend", exact=True).click()
    expect(page.locator("#said")).to_contain_text("is no picture")


def test_hostile_prompts_and_failures_are_only_text(visit: Visit, account: Account) -> None:
    Token.objects.filter(pk=account.token.pk).update(name="<b>key</b>")
    visitor = visit("developer", account.tenant)
    page = visitor.open("playground/")
    page.get_by_label("Prompt", exact=True).fill(HOSTILE + " zzfail")
    page.get_by_role("button", name="Imagine", exact=True).click()
    card = page.get_by_role("article", name="IMAGINE")
    expect(card.get_by_text("Failure")).to_be_visible(timeout=SECONDS)
    expect(card.get_by_text("<script>alert(1)</script>").first).to_be_visible()
    visitor.look("playground-hostile")
    card.get_by_role("button", name="Take it off this page").click()
    expect(card).to_have_count(0)


def test_a_newcomer_makes_a_key_and_draws_on_a_phone(visit: Visit, account: Account) -> None:
    Token.objects.filter(pk=account.token.pk).update(is_active=False)
    visitor = visit("owner", account.tenant)
    page = visitor.page
    page.set_viewport_size({"width": 390, "height": 844})
    visitor.open("playground/")
    page.get_by_role("link", name="New key").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Name", exact=True).fill("first")
    box.get_by_role("button", name="Make the key").click()
    expect(box.locator("[data-code]")).to_contain_text("Bearer sk-")
    visitor.look("playground-first-key")
    box.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name="a red fox").click()
    prompt = page.get_by_label("Prompt", exact=True)
    expect(prompt).to_have_value("a red fox in fresh snow, soft morning light")
    expect(page.get_by_role("button", name="Imagine", exact=True)).to_be_in_viewport()
    prompt.press("Control+Enter")
    expect(page.get_by_role("article", name="IMAGINE")).to_be_in_viewport()
    finished(page, "IMAGINE")


def test_a_viewer_looks_on(visit: Visit, account: Account) -> None:
    visitor = visit("viewer", account.tenant)
    page = visitor.open("playground/")
    expect(page.get_by_text("You look on here")).to_be_visible()
    expect(page.locator("#draw")).to_have_count(0)
    visitor.look("playground-viewer")


def test_a_key_for_the_docs_is_made_and_stays_in_the_tab(visit: Visit, account: Account) -> None:
    # Somebody draws for test keys, so such a key is what is proposed.
    open_channel(account.stack, group=account.tenant.group.name, is_test=True)
    visitor = visit("owner", account.tenant)
    page = visitor.open("docs/")
    expect(page.get_by_text("No key is filled in.")).to_be_visible()
    visitor.look("docs")
    page.get_by_role("link", name="Make a key for this").click()
    box = page.get_by_role("dialog")
    expect(box.get_by_label("Test")).to_be_checked()
    visitor.look("docs-key")
    box.get_by_role("button", name="Make the key").click()
    secret = box.get_by_label("From the docs").input_value()
    assert Token.objects.get(prefix=secret[: len("sk-test-") + 8]).is_test
    expect(page.locator("[data-code]").first).to_contain_text(secret)
    box.get_by_role("link", name="I have copied it").click()
    expect(page.locator("[data-code]").first).to_contain_text(secret)
    page.get_by_role("link", name="The whole reference").click()
    expect(page.get_by_role("heading", name="MJ Relay").first).to_be_visible()
    # The policy has let its styles in.
    styles = page.evaluate("[...document.querySelectorAll('style')].map((made) => !!made.sheet)")
    assert styles
    assert all(styles)
    stored = page.evaluate("JSON.stringify({...localStorage})")
    assert secret not in stored
    page.screenshot(path="var/screenshots/docs-reference-1440-light.png")
    page.go_back()
    page.get_by_role("button", name="Forget it").click()
    expect(page.locator("[data-code]").first).to_contain_text("YOUR_API_KEY")


def test_the_next_one_who_signs_in_in_the_tab_has_no_key(visit: Visit, account: Account) -> None:
    page = visit("owner", account.tenant).open("docs/")
    page.evaluate("sessionStorage.setItem('docs-api-key', 'sk-mine')")
    page.context.clear_cookies()
    page.goto(urljoin(page.url, "/console/account/login/?people"))
    page.wait_for_function("sessionStorage.getItem('docs-api-key') === null")
