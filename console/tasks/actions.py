"""What the site's people do with a task: look at it now, decide what became of it, refund it."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from console import amounts
from console.pages import call, done, show
from console.tasks import events, forms
from console.who import fresh_sign_in, only_with, staff_page
from relay.api.v1 import task_actions, tasks, wallets
from relay.api.v1.roles import Right


@require_POST
@staff_page
def look(request: HttpRequest, task_id: int) -> HttpResponse:
    call(request, task_actions.Look, "post", task_id=task_id)
    return done(request, _url(task_id), _("The upstream is asked at once."))


@staff_page
@only_with(Right.SETTLE)
@fresh_sign_in
def settle(request: HttpRequest, task_id: int) -> HttpResponse:
    task = _task(request, task_id)
    form = forms.Settlement(request.POST or None)
    if form.is_valid():
        with form.refusals():
            call(request, task_actions.Settling, "post", body=form.body, task_id=task_id)
            return done(request, _url(task_id), _("It is decided."))
    told = {
        "form": form,
        "task": task,
        "title": _("What became of task %s?") % task["id"],
        "text": _("Look first: a look that finds it counts more than what you say here. %(amount)s "
                  "is held for it.") % {"amount": amounts.text(task["price"])},
        "button": _("Decide"),
        "back": _url(task_id),
    }  # fmt: skip
    return show(request, "console/tasks/ask.html", told)


@staff_page
@only_with(Right.MONEY)
@fresh_sign_in
def refund(request: HttpRequest, task_id: int) -> HttpResponse:
    task = _task(request, task_id)
    form = forms.Refund(request.POST or None, initial={"refunded_before": task["refunded"]})
    if form.is_valid():
        with form.refusals():
            booked = call(
                request, wallets.Refunds, "post",
                tenant_id=task["tenant_id"], body=form.body, task_id=task_id,
            )  # fmt: skip
            said = _("%s is refunded.") % amounts.text(booked["refunded"])
            return done(request, _url(task_id), said)
    told = {
        "form": form,
        "task": task,
        "title": _("Refund task %s") % task["id"],
        "text": _said_of(task),
        "button": _("Refund"),
        "back": _url(task_id),
    }
    return show(request, "console/tasks/ask.html", told)


def _said_of(task: Mapping[str, Any]) -> str:
    left = events.left(task)
    if not left:
        return _("Nothing is left to refund.")
    return _("%(paid)s was paid, %(refunded)s is refunded, %(left)s is left.") % {
        "paid": amounts.text(task["paid"]),
        "refunded": amounts.text(task["refunded"]),
        "left": amounts.text(left),
    }


def _task(request: HttpRequest, task_id: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = call(request, tasks.OneTask, "get", task_id=task_id)
    return found


def _url(task_id: int) -> str:
    return reverse("console:task", kwargs={"task_id": task_id})
