"""Books as files: our own form of a whole book, and new-api's settings."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from console.forms import form_of
from console.pages import call, done, show
from console.prices import views
from console.who import fresh_sign_in, staff_page
from relay.api.v1 import book_grid, book_lines
from relay.api.v1.operation import View
from relay.errors import InvalidRequest

# What new-api calls the settings, and what the API calls them.
MAPS = {
    "ModelPrice": "model_price",
    "GroupRatio": "group_ratio",
    "GroupGroupRatio": "group_group_ratio",
}
READERS: dict[str, tuple[type[View], str]] = {
    "whole": (book_lines.BookContent, "put"),
    "maps": (book_lines.NewApiPrices, "post"),
}
FILE_MAX_BYTES = 10_000_000
_AREA = {"rows": 10, "spellcheck": "false", "class": "font-monospace", "dir": "ltr"}


def _area(label: Any, help_text: Any = "") -> dict[str, Any]:
    return {"label": label, "help_text": help_text, "widget": forms.Textarea(attrs=_AREA)}


@staff_page
@fresh_sign_in
def page(request: HttpRequest, book_id: int) -> HttpResponse:
    told = views.one(request, book_id, tab="files")
    digest = call(request, book_grid.BookGrid, "get", book_id=book_id)["digest"]
    kind = request.POST.get("kind", "")
    forms_of = {"whole": _whole(request, kind, digest), "maps": _new_api(request, kind, digest)}
    form = forms_of.get(kind)
    if form is not None and form.is_valid():
        with form.refusals():
            view, method = READERS[kind]
            call(request, view, method, body=form.body, book_id=book_id)
            return done(request, views.url("book", book_id), _("The file is read."))
    if form is not None:
        # What is on the page from now on is what somebody agrees to.
        form.data[form.add_prefix("digest")] = digest
    export = call(request, book_lines.NewApiPrices, "get", book_id=book_id)
    told["exports"] = [(name, export[field]) for name, field in MAPS.items()]
    told["left_out"] = export["left_out"]
    told["file_fields"] = list(MAPS.items())
    told |= {"whole": forms_of["whole"], "new_api": forms_of["maps"]}
    return show(request, "console/prices/files.html", told)


@staff_page
def content(request: HttpRequest, book_id: int) -> HttpResponse:
    answer: HttpResponse = call(request, book_lines.BookContent, "get", book_id=book_id)
    return _file(answer.content, f"price-book-{book_id}.json")


@staff_page
def new_api(request: HttpRequest, book_id: int, name: str) -> HttpResponse:
    if name not in MAPS:
        raise Http404
    answer = call(request, book_lines.NewApiPrices, "get", book_id=book_id)
    return _file(answer[MAPS[name]].encode(), f"{name}.json")


def _file(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _whole(request: HttpRequest, kind: str, digest: str) -> Any:
    form = form_of(
        book_lines.BookContent,
        "put",
        ["text", "digest"],
        text=_area(_("The whole book"), _("The draft gets exactly these lines.")),
        digest={"widget": forms.HiddenInput()},
    )
    if kind != "whole":
        return form(initial={"digest": digest}, prefix="whole")
    return form(_with_files(request, "whole"), prefix="whole")


def _new_api(request: HttpRequest, kind: str, digest: str) -> Any:
    form = form_of(
        book_lines.NewApiPrices,
        "post",
        [*MAPS.values(), "replace", "digest"],
        model_price=_area("ModelPrice", '{"mj_imagine": 0.1}'),
        group_ratio=_area("GroupRatio", '{"vip": 0.8}'),
        group_group_ratio=_area("GroupGroupRatio", '{"default": {"vip": 0.9}}'),
        replace={
            "label": _("Also drop the lines that these texts could say and do not"),
            "help_text": "",
        },
        digest={"widget": forms.HiddenInput()},
    )
    if kind != "maps":
        return form(initial={"digest": digest}, prefix="maps")
    made = form(_with_files(request, "maps"), prefix="maps")
    if not any(made.data.get(f"maps-{field}") for field in MAPS.values()):
        made.add_error(None, _("Choose a file, or paste a text."))
    return made


def _with_files(request: HttpRequest, prefix: str) -> Any:
    """What was sent, with the text of a file in place of what was typed. Raises InvalidRequest."""
    data = request.POST.copy()
    for name, file in request.FILES.items():
        field = str(name).removesuffix("-file")
        if not field.startswith(f"{prefix}-") or isinstance(file, list) or not file:
            continue
        if (file.size or 0) > FILE_MAX_BYTES:
            raise InvalidRequest(_("%s is too large for a file of prices") % file.name)
        try:
            data[field] = file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidRequest(_("%s is not a text in UTF-8") % file.name) from error
    return data
