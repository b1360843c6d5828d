"""The playground: a person draws with one of the tenant's keys, and sees what a program would
send for it."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console.pages import is_part, show
from console.playground import code as codes
from console.playground import forms, kinds, people, snippets, threads
from console.refusals import said
from console.templatetags.console import is_past
from console.who import tenant_page
from relay.api import errors as api
from relay.api.v1 import drawing_kinds, drawing_offers, drawings, keys
from relay.api.v1.operation import View
from relay.errors import IdempotencyMismatch
from relay.submits import modes

KEYS_MAX = 200
ONCE = "once"
# What the API may answer instead of drawing.
REFUSED: tuple[type[Exception], ...] = tuple(api.ANSWERS)  # type: ignore[arg-type]  # they are
PLACE = "console/playground/"


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    if request.method == "POST":
        return _draw(request, tenant_id)
    return _page(request, tenant_id)


@tenant_page
@require_POST
def preview(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """What it would cost, and the request, while it is being typed."""
    kind = _kind(request.POST.get("kind"))
    usable = _keys(request, tenant_id)
    key = _chosen(usable, request.POST.get("key"))
    names = request.POST.getlist("picture_names")[: kinds.IMAGES_MAX]
    return render(request, f"{PLACE}previewed.html", _preview(request, tenant_id, kind, key, names))


@tenant_page
@require_safe
def live(request: HttpRequest, tenant_id: int, task_id: int) -> HttpResponse:
    thread = _thread(request, tenant_id, task_id)
    told = _told(request, tenant_id) | {"thread": thread}
    if not is_part(request):
        return HttpResponseRedirect(f"{_url('playground', tenant_id)}#drawing-{task_id}")
    return render(request, f"{PLACE}live.html", told)


@tenant_page
@require_POST
def press(request: HttpRequest, tenant_id: int, task_id: int) -> HttpResponse:
    custom_id = request.POST.get("custom_id", "")
    task = _thread(request, tenant_id, task_id).task
    # Each button of a form is a click of its own.
    mark = hashlib.sha256(custom_id.encode()).hexdigest()[:16]
    body = {
        "key_id": _paying(request, tenant_id, task),
        "body": {"customId": custom_id, "mode": task["mode"]},
        "idempotency_key": f"{_once(request)}:{mark}",
    }
    ids = {"task_id": task_id}
    try:
        made = people.ask(request, tenant_id, drawings.Press, "post", body=body, ids=ids)
    except REFUSED as error:
        return _refused(request, tenant_id, error, place=f"said-{task_id}", once=f"once-{task_id}")
    new = [pk for pk in made["task_ids"] if pk != str(task_id)]
    if not new:
        return _say(request, tenant_id, _("Done."), place=f"said-{task_id}")
    return _begun(request, tenant_id, new, once=f"once-{task_id}", place=f"said-{task_id}")


@tenant_page
@require_POST
def confirm(request: HttpRequest, tenant_id: int, task_id: int) -> HttpResponse:
    task = _thread(request, tenant_id, task_id).task
    mask = request.POST.get("mask", "")
    body = {"prompt": request.POST.get("prompt", "")} | ({"maskBase64": mask} if mask else {})
    told = {
        "key_id": _paying(request, tenant_id, task),
        "body": body,
        "idempotency_key": _once(request),
    }
    return _done(request, tenant_id, task_id, drawings.Confirmation, told)


@tenant_page
@require_POST
def cancel(request: HttpRequest, tenant_id: int, task_id: int) -> HttpResponse:
    return _done(request, tenant_id, task_id, drawings.Cancellation)


@tenant_page
@require_POST
def seed(request: HttpRequest, tenant_id: int, task_id: int) -> HttpResponse:
    return _done(request, tenant_id, task_id, drawings.Seed)


@tenant_page
@require_safe
def code(request: HttpRequest, tenant_id: int, task_id: int) -> HttpResponse:
    task = _thread(request, tenant_id, task_id).task
    return show(request, f"{PLACE}code.html", {"steps": codes.of(task), "tenant_id": tenant_id})


@tenant_page
@require_POST
def forget(request: HttpRequest, tenant_id: int, task_id: int) -> HttpResponse:
    people.forget(request, tenant_id, task_id)
    if is_part(request):
        return HttpResponse()
    return HttpResponseRedirect(_url("playground", tenant_id))


def _done(
    request: HttpRequest,
    tenant_id: int,
    task_id: int,
    view: type[View],
    body: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """One deed with a task, and how the task looks then."""
    _thread(request, tenant_id, task_id)
    try:
        people.ask(request, tenant_id, view, "post", body=body, ids={"task_id": task_id})
    except REFUSED as error:
        return _refused(request, tenant_id, error, place=f"said-{task_id}", once=f"once-{task_id}")
    return _card(request, tenant_id, task_id)


def _draw(request: HttpRequest, tenant_id: int) -> HttpResponse:
    kind = _kind(request.POST.get("kind"))
    form = _form(request, kind, _keys(request, tenant_id), bound=True)
    if not form.is_valid():
        if is_part(request):
            text = " ".join(str(text) for texts in form.errors.values() for text in texts)
            return _say(request, tenant_id, text, place="said", level="danger")
        return _page(request, tenant_id, form=form)
    told = {
        "key_id": form.cleaned_data["key"],
        "kind": kind.name,
        "body": form.body,
        "idempotency_key": _once(request),
    }
    try:
        made = people.ask(request, tenant_id, drawings.Drawings, "post", body=told)
    except REFUSED as error:
        if is_part(request):
            return _refused(request, tenant_id, error, place="said", once="once")
        form.add_error(None, _words(error))
        return _page(request, tenant_id, form=form)
    ids = made["task_ids"] or _uploaded(request, tenant_id, made["urls"])
    return _begun(request, tenant_id, ids, once="once", place="said")


def _uploaded(request: HttpRequest, tenant_id: int, urls: list[str]) -> list[str]:
    """An upload is answered with its addresses; its task is the one that has them."""
    newest = people.ask(request, tenant_id, drawings.Drawings, "get")["data"]
    return [row["id"] for row in newest if row["uploads"] == urls][:1]


def _begun(
    request: HttpRequest, tenant_id: int, task_ids: Iterable[str], *, once: str, place: str
) -> HttpResponse:
    """The new tasks, for the page that has begun them; and a new word for its next click."""
    ids = list(task_ids)
    people.note(request, tenant_id, ids)
    if not is_part(request):
        anchor = f"#drawing-{ids[0]}" if ids else ""
        return HttpResponseRedirect(_url("playground", tenant_id) + anchor)
    told = _told(request, tenant_id) | {
        "threads": [
            threads.Thread(row, row["parent_id"]) for row in _rows(request, tenant_id, ids)
        ],
        "renewed": once,
        "said_place": place,
    }
    return render(request, f"{PLACE}begun.html", told)


def _card(request: HttpRequest, tenant_id: int, task_id: int) -> HttpResponse:
    if not is_part(request):
        return HttpResponseRedirect(f"{_url('playground', tenant_id)}#drawing-{task_id}")
    told = _told(request, tenant_id) | {"thread": _thread(request, tenant_id, task_id)}
    return render(request, f"{PLACE}task.html", told)


def _refused(
    request: HttpRequest, tenant_id: int, error: Exception, *, place: str, once: str
) -> HttpResponse:
    """What was refused stands where it was asked; the click may be made again."""
    text = _words(error)
    # The click before this one had been taken, and its answer was lost on the way.
    renewed = once if isinstance(error, IdempotencyMismatch) else ""
    if renewed:
        text = _("The click before was taken after all: load the page again to see it.")
    return _say(request, tenant_id, text, place=place, level="danger", renewed=renewed)


def _words(error: Exception) -> str:
    """What the API says."""
    return said(api.find(error).text or str(error))


def _say(
    request: HttpRequest,
    tenant_id: int,
    text: str,
    *,
    place: str,
    level: str = "success",
    renewed: str = "",
) -> HttpResponse:
    if not is_part(request):
        messages.add_message(
            request, messages.ERROR if level == "danger" else messages.SUCCESS, text
        )
        return HttpResponseRedirect(_url("playground", tenant_id))
    told = {"text": text, "level": level, "renewed": renewed, "once": _new_word()}
    response = render(request, f"{PLACE}said.html", told)
    response["HX-Retarget"], response["HX-Reswap"] = f"#{place}", "innerHTML"
    return response


def _page(
    request: HttpRequest, tenant_id: int, form: forms.NewDrawing | None = None
) -> HttpResponse:
    kind = form.kind if form else _kind(request.GET.get("kind"))
    usable = _keys(request, tenant_id)
    rows = _rows(
        request, tenant_id, [*_asked(request), *map(str, people.noted(request, tenant_id))]
    )
    last = next(iter(rows), {}).get("key_id")
    asked = request.POST.get("key") or request.GET.get("key") or last
    key = _chosen(usable, asked)
    form = form or _form(request, kind, usable, key=key)
    told = _told(request, tenant_id) | {
        "kind": kind,
        "form": form,
        "keys": usable,
        "threads": threads.threads(rows),
        "tenant_id": tenant_id,
    }
    told |= _preview(request, tenant_id, kind, key, [])
    offered = {row["kind"] for row in told["offers"]["data"] if row["prices"] and row["is_served"]}
    told["kinds"] = [(each, each.name in offered) for each in kinds.ALL]
    told["is_offered"] = kind.name in offered
    if told["may_draw"] and kind.needs_prompt and key:
        told["examples"] = kinds.EXAMPLES
    return show(request, f"{PLACE}page.html", told)


def _form(
    request: HttpRequest,
    kind: kinds.Kind,
    usable: list[Mapping[str, Any]],
    *,
    key: Mapping[str, Any] | None = None,
    bound: bool = False,
) -> forms.NewDrawing:
    choices = [(row["id"], _label(row)) for row in usable]
    if bound:
        files: Any = {"images": request.FILES.getlist("images")}
        return forms.NewDrawing(kind, choices, request.POST, files)
    prompt = request.GET.get("prompt", "")[: settings.PROMPT_MAX_CHARS].replace("\x00", "")
    return forms.NewDrawing(
        kind, choices, initial={"key": key and key["id"], "prompt": prompt}
    )  # fmt: skip


def _label(row: Mapping[str, Any]) -> str:
    return _("%s (test)") % row["name"] if row["is_test"] else str(row["name"])


def _preview(
    request: HttpRequest,
    tenant_id: int,
    kind: kinds.Kind,
    key: Mapping[str, Any] | None,
    names: list[str],
) -> dict[str, Any]:
    query = {"key": key["id"]} if key else {}
    offers = people.ask(request, tenant_id, drawing_offers.OfferList, "get", query=query)
    (offer,) = [row for row in offers["data"] if row["kind"] == kind.name] or [None]
    told = {name: request.POST.get(name, "") for name in ("mode", "prompt", *_OPTIONAL)}
    mode = modes.decide(
        path_mode="",
        body={"mode": told["mode"]},
        prompt=told["prompt"],
        key_default="",
        site_default=offers["default_mode"],
    )
    pictures = [f"<base64 of {name}>" for name in names] or [codes.PICTURE] * kind.images[0]
    if kind.name == "edits":
        told["mask"] = codes.MASK
    body = forms.body_of(kind, told, pictures)
    return {
        "offers": offers,
        "mode": mode,
        "price": offer and offer["prices"].get(mode),
        "key": key,
        "snippets": snippets.of(drawing_kinds.KINDS[kind.name].path, body),
    }


_OPTIONAL = ("dimensions", "motion", "bot_type")


def _keys(request: HttpRequest, tenant_id: int) -> list[Mapping[str, Any]]:
    """Those that draw now."""
    query = {"is_active": "true", "limit": str(KEYS_MAX)}
    rows = people.ask(request, tenant_id, keys.Keys, "get", query=query)["data"]
    return [row for row in rows if not is_past(row["expires_at"])]


def _chosen(usable: list[Mapping[str, Any]], asked: Any) -> Mapping[str, Any] | None:
    by_id = {str(row["id"]): row for row in usable}
    return by_id.get(str(asked)) or next(iter(usable), None)


def _paying(request: HttpRequest, tenant_id: int, task: Mapping[str, Any]) -> int:
    """The key that paid for the task; when it is gone, another of the same world."""
    usable = [row for row in _keys(request, tenant_id) if row["is_test"] == task["is_test"]]
    ids = [int(row["id"]) for row in usable]
    return int(task["key_id"]) if task["key_id"] in ids or not ids else ids[0]


def _thread(request: HttpRequest, tenant_id: int, task_id: int) -> threads.Thread:
    rows = _rows(request, tenant_id, [str(task_id)])
    if not rows:
        raise Http404
    return threads.Thread(rows[0], rows[0]["parent_id"])


def _asked(request: HttpRequest) -> list[str]:
    """The task that somebody wants to go on with, from the gallery or its own page."""
    text = request.GET.get("task", "")
    return [text] if re.fullmatch(r"[0-9]{1,16}", text) else []


def _rows(request: HttpRequest, tenant_id: int, ids: Iterable[str]) -> list[Mapping[str, Any]]:
    asked = ",".join(ids)
    if not asked:
        return []
    query = {"ids": asked}
    return list(people.ask(request, tenant_id, drawings.Drawings, "get", query=query)["data"])


def _told(request: HttpRequest, tenant_id: int) -> dict[str, Any]:
    return {
        "tenant_id": tenant_id,
        "may_draw": people.may_draw(request, tenant_id),
        "once": _new_word(),
    }


def _once(request: HttpRequest) -> str:
    word = request.POST.get(ONCE, "")[: forms.ONCE_MAX_CHARS]
    return f"console-{word}" if word.isprintable() and word else f"console-{_new_word()}"


def _new_word() -> str:
    return secrets.token_hex(12)


def _kind(name: Any) -> kinds.Kind:
    return kinds.BY_NAME.get(str(name), kinds.ALL[0])


def _url(name: str, tenant_id: int) -> str:
    return reverse(f"console:{name}", kwargs={"tenant_id": tenant_id})
