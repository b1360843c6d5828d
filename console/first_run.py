"""The page that makes the first operator, for whoever has the code
(relay/operators/first_run.py)."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.core.internal import ratelimit
from django import forms
from django.contrib.auth import get_user_model, password_validation
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from relay.api.v1 import origins
from relay.operators import first_run

CODE_MAX_CHARS = 100
PASSWORD_MAX_CHARS = 1000
# Per address, besides what relay/operators/first_run.py counts of all.
RATE = {"operator_code": "10/m/ip"}
REFUSED = _("This code is not good: wrong, used, or replaced by a newer one.")


class FirstOperator(forms.Form):
    """The code is looked at first: without it nothing is told of names that there are."""

    code = forms.CharField(
        label=_("One-time code"),
        max_length=CODE_MAX_CHARS,
        help_text=_("It was printed by make run; manage.py operator_code prints a new one."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    email = forms.EmailField(label=_("Mail address (not needed)"), required=False)
    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_MAX_CHARS,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("Password, once more"),
        max_length=PASSWORD_MAX_CHARS,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            first_run.check(code)
        except first_run.CodeRefused as error:
            raise forms.ValidationError(REFUSED) from error
        return code

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        if "code" not in found:
            return found
        password = found.get("password", "")
        if password != found.get("again", password):
            self.add_error("again", _("The two are not the same."))
        user = get_user_model()(username=found.get("username", ""), email=found.get("email", ""))
        try:
            if password:
                password_validation.validate_password(password, user)
        except forms.ValidationError as error:
            self.add_error("password", error)
        return found


@sensitive_post_parameters("code", "password", "again")
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """GET, POST /console/account/first-run/"""
    if not first_run.is_open():
        return HttpResponseRedirect(reverse("account_login"))
    if request.method != "POST":
        return _show(request, FirstOperator())
    if not ratelimit.consume(request, app="console", action="operator_code", config=RATE):
        return ratelimit.respond_429(request)
    form = FirstOperator(request.POST)
    if not form.is_valid():
        return _show(request, form)
    return _make(request, form)


def _make(request: HttpRequest, form: FirstOperator) -> HttpResponse:
    given = form.cleaned_data
    try:
        user = first_run.make_operator(
            given["code"],
            name=given["username"],
            mail=given["email"],
            password=given["password"],
            origin=origins.of(request, via="console"),
        )
    except first_run.CodeRefused:
        form.add_error("code", REFUSED)
        return _show(request, form)
    except IntegrityError:
        form.add_error("username", _("There is an account of this name."))
        return _show(request, form)
    login = Login(user=user, redirect_url=reverse("console:home"))
    return perform_password_login(request, {"username": given["username"]}, login)


def _show(request: HttpRequest, form: FirstOperator) -> HttpResponse:
    return render(request, "account/first_run.html", {"form": form})
