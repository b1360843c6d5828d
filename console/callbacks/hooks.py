"""Where a tenant is called back, the secret that signs it, and the test button."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.callbacks import forms
from console.callbacks.messages import pages
from console.lists import Column, List
from console.pages import Question, call, confirm, done, may, show
from console.places import ask, url
from console.who import fresh_sign_in, only_with, tenant_page
from relay.api.v1 import hooks
from relay.api.v1.roles import Right

FAILING = List(
    id="failing",
    view=hooks.FailingHooks,
    columns=(
        Column("url", gettext_lazy("Address"), "console/callbacks/cells/url.html"),
        Column("off_since", gettext_lazy("State"), "console/callbacks/cells/hook_state.html"),
        Column("failing_since", gettext_lazy("Fails since"), "moment"),
    ),
    actions="console/callbacks/cells/hook_actions.html",
    empty=gettext_lazy("No address fails."),
    empty_icon="circle-check",
    poll_seconds=30,
)
TESTS = List(
    id="tests",
    view=hooks.HookTests,
    columns=(
        Column("created_at", gettext_lazy("Sent"), "moment"),
        Column("status_code", gettext_lazy("Answer"), "console/callbacks/cells/answer.html"),
        Column("milliseconds", gettext_lazy("Took"), "console/callbacks/cells/took.html",
               align="end"),
        Column("url", gettext_lazy("Address"), "console/callbacks/cells/url.html", is_wide=True),
        Column("message_id", "webhook-id", "code", is_wide=True),
    ),
    empty=gettext_lazy("No sample message was sent yet."),
    empty_icon="send",
)  # fmt: skip


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    told = {
        "hooks": call(request, hooks.HooksView, "get", tenant_id=tenant_id),
        "tenant_id": tenant_id,
        "tabs": pages(request, tenant_id),
        "may_change": may(request, Right.HOOKS, tenant_id),
        "may_switch": may(request, Right.CALLBACKS, tenant_id),
    }
    return FAILING.page(request, "console/callbacks/hooks.html", told, tenant_id=tenant_id)


@tenant_page
@only_with(Right.HOOKS)
def change(request: HttpRequest, tenant_id: int) -> HttpResponse:
    now = call(request, hooks.HooksView, "get", tenant_id=tenant_id)
    form = forms.DefaultHook(request.POST or None, initial=now)
    back = url("hooks", tenant_id)
    if form.is_valid():
        with form.refusals():
            call(request, hooks.HooksView, "patch", tenant_id=tenant_id, body=form.body)
            return done(request, back, _("The callback address is changed."))
    return ask(
        request,
        form,
        title=_("Callback address"),
        text=_("Tasks that are there already go on telling the address that they have."),
        button=_("Save"),
        back=back,
    )


@tenant_page
@only_with(Right.HOOKS)
@fresh_sign_in
def secret(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """After a question, as the audit keeps who has seen it."""
    question = Question(
        title=_("Show the secret?"),
        text=_("Whoever has it can sign messages as this site does. The audit keeps who saw it."),
        button=_("Show it"),
        back=url("hooks", tenant_id),
        is_dangerous=False,
    )

    def act(_reason: str) -> HttpResponse:
        shown = call(request, hooks.SecretShowing, "post", tenant_id=tenant_id)
        return _shown(request, tenant_id, shown, title=_("The secret"))

    return confirm(request, question, act, said="")


@tenant_page
@only_with(Right.HOOKS)
@fresh_sign_in
def rotate(request: HttpRequest, tenant_id: int) -> HttpResponse:
    form = forms.Overlap(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.refusals():
            made = call(request, hooks.SecretRotation, "post", tenant_id=tenant_id, body=form.body)
            return _shown(request, tenant_id, made, title=_("The secret is replaced"))
    return ask(
        request,
        form,
        title=_("Replace the secret"),
        text=_("A secret that was replaced before signs no more from then on."),
        button=_("Replace it"),
        back=url("hooks", tenant_id),
    )


@tenant_page
@only_with(Right.CALLBACKS)
def switch_on(request: HttpRequest, tenant_id: int, hook_id: int) -> HttpResponse:
    question = Question(
        title=_("Call this address again?"),
        text=_("What was held back for it is not sent by itself; send it again afterwards."),
        button=_("Switch it on"),
        back=url("hooks", tenant_id),
        is_dangerous=False,
    )
    ids: dict[str, Any] = {"tenant_id": tenant_id, "hook_id": hook_id}
    return confirm(
        request,
        question,
        lambda reason: call(request, hooks.HookSwitchingOn, "post", **ids),
        said=_("The address is called again."),
    )


@tenant_page
def tests(request: HttpRequest, tenant_id: int) -> HttpResponse:
    told = {
        "tenant_id": tenant_id,
        "tabs": pages(request, tenant_id),
        "may_test": may(request, Right.HOOKS, tenant_id),
    }
    return TESTS.page(request, "console/callbacks/tests.html", told, tenant_id=tenant_id)


@tenant_page
@only_with(Right.HOOKS)
def test(request: HttpRequest, tenant_id: int) -> HttpResponse:
    form = forms.Test(request.POST if request.method == "POST" else None)
    back = url("hook-tests", tenant_id)
    if form.is_valid():
        with form.refusals():
            sent = call(request, hooks.HookTests, "post", tenant_id=tenant_id, body=form.body)
            told = {"test": sent, "back": back, "tenant_id": tenant_id}
            return show(request, "console/callbacks/tested.html", told)
    return ask(
        request,
        form,
        title=_("Send a sample message"),
        text=_("One signed message about a task that there never was, sent once. You see at once "
               "what the receiver answers."),
        button=_("Send it"),
        back=back,
    )  # fmt: skip


def _shown(request: HttpRequest, tenant_id: int, shown: Any, *, title: Any) -> HttpResponse:
    told = {
        "title": title,
        "secret": shown["secret"],
        "until": shown["old_secret_until"],
        "next": url("hooks", tenant_id),
    }
    response = show(request, "console/callbacks/secret.html", told)
    response["Cache-Control"] = "no-store"
    return response
