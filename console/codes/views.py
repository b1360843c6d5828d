"""Redemption codes: made in batches, shown once, and who has used them."""

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms import form_of
from console.lists import Column, List
from console.pages import Question, call, confirm, may, show
from console.places import ask
from console.who import fresh_sign_in, fresh_sign_in_to_see, only_with, staff_page
from relay.api.v1 import codes
from relay.api.v1.roles import Right

BATCHES = List(
    id="batches",
    view=codes.Batches,
    columns=(
        Column("name", gettext_lazy("Name"), "console/codes/name.html"),
        Column("amount", gettext_lazy("Each"), "money"),
        Column("redeemed", gettext_lazy("Used"), "console/codes/used.html", align="end"),
        Column("is_active", gettext_lazy("State"), "console/codes/state.html"),
        Column("expires_at", gettext_lazy("Expires"), "moment", is_wide=True),
        Column("created_by", gettext_lazy("Made by"), is_wide=True),
        Column("created_at", gettext_lazy("Made"), "moment", is_wide=True),
    ),
    search="q",
    filters=("is_active",),
    empty=gettext_lazy("There are no codes yet. Make a batch, and hand its codes out."),
    empty_icon="ticket",
    begin="console/codes/begin.html",
)
CODES = List(
    id="codes",
    view=codes.Codes,
    columns=(
        Column("prefix", gettext_lazy("Begins with"), "console/codes/prefix.html"),
        Column("is_active", gettext_lazy("State"), "console/codes/code_state.html"),
        Column("tenant", gettext_lazy("Redeemed by"), "console/codes/tenant.html"),
        Column("redeemed_at", gettext_lazy("When"), "instant", is_wide=True),
    ),
    search="q",
    filters=("is_redeemed",),
    empty=gettext_lazy("This batch has no codes."),
    empty_icon="ticket",
    actions="console/codes/actions.html",
)
NewBatch = form_of(
    codes.Batches,
    "post",
    ["name", "count", "amount", "expires_at"],
    name={"help_text": gettext_lazy("For yourselves: tenants do not see it.")},
    count={"label": gettext_lazy("How many"), "initial": 10},
    amount={"label": gettext_lazy("What each is worth"), "help_text": ""},
    expires_at={"help_text": gettext_lazy("Empty: never.")},
)


@staff_page
def page(request: HttpRequest) -> HttpResponse:
    told = {"may_make": may(request, Right.CODES)}
    return BATCHES.page(request, "console/codes/list.html", told)


@staff_page
@only_with(Right.CODES)
@fresh_sign_in_to_see
def make(request: HttpRequest) -> HttpResponse:
    form = NewBatch(request.POST or None)
    if form.is_valid():
        with form.refusals():
            file: HttpResponse = call(request, codes.Batches, "post", body=form.body)
            return _made(request, form.cleaned_data["name"], file.content.decode())
    return ask(
        request,
        form,
        title=_("New codes"),
        button=_("Make the codes"),
        back=reverse("console:codes"),
    )


@staff_page
def one(request: HttpRequest, batch_id: int) -> HttpResponse:
    told = {"batch": _one(request, batch_id), "may_change": may(request, Right.CODES)}
    return CODES.page(request, "console/codes/one.html", told, batch_id=batch_id)


@staff_page
@only_with(Right.CODES)
@fresh_sign_in
def disable(request: HttpRequest, batch_id: int) -> HttpResponse:
    batch = _one(request, batch_id)
    question = Question(
        title=_("Disable %s?") % batch["name"],
        text=_("Those of its codes that nobody has redeemed are worth nothing from then on. It "
               "cannot be taken back."),
        button=_("Disable"),
        back=_url(batch_id),
        reason=True,
    )  # fmt: skip

    def act(reason: str) -> None:
        body = {"reason": reason}
        call(request, codes.BatchDisabling, "post", body=body, batch_id=batch_id)

    return confirm(request, question, act, said=_("The batch is disabled."))


@staff_page
@only_with(Right.CODES)
@fresh_sign_in
def disable_code(request: HttpRequest, batch_id: int, code_id: int) -> HttpResponse:
    question = Question(
        title=_("Disable this code?"),
        text=_("It is worth nothing from then on. It cannot be taken back."),
        button=_("Disable"),
        back=_url(batch_id),
        reason=True,
    )

    def act(reason: str) -> None:
        ids: dict[str, Any] = {"batch_id": batch_id, "code_id": code_id}
        call(request, codes.CodeDisabling, "post", body={"reason": reason}, **ids)

    return confirm(request, question, act, said=_("The code is disabled."))


def _made(request: HttpRequest, name: str, file: str) -> HttpResponse:
    """The only answer that ever has the codes: as lines, and as files that never touch a disk of
    ours."""
    lines = [row["code"] for row in csv.DictReader(StringIO(file))]
    text = "\n".join(lines) + "\n"
    told = {
        "name": name,
        "text": text,
        "number": len(lines),
        "files": [
            ("codes.txt", gettext_lazy("As text"), f"data:text/plain;charset=utf-8,{quote(text)}"),
            ("codes.csv", gettext_lazy("As CSV"), f"data:text/csv;charset=utf-8,{quote(file)}"),
        ],
        "next": reverse("console:codes"),
    }
    answer = show(request, "console/codes/made.html", told)
    answer["Cache-Control"] = "no-store"
    return answer


def _one(request: HttpRequest, batch_id: int) -> Mapping[str, Any]:
    batch: Mapping[str, Any] = call(request, codes.OneBatch, "get", batch_id=batch_id)
    return batch


def _url(batch_id: int) -> str:
    return reverse("console:code-batch", args=[batch_id])
