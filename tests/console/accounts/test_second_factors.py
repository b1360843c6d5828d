"""One-time codes, recovery codes, and passkeys as far as they go without a browser."""

import time
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.management import call_command

from common import vault
from tests.console.accounts.visitor import Visitor, person, signed_in, stale, text

MFA = "/console/account/2fa/"


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def protected() -> tuple[Any, str]:
    """Somebody with TOTP, and its secret. Nothing of it is used up."""
    user = person()
    visitor = signed_in(user)
    visitor.get(f"{MFA}totp/activate/")
    secret = visitor.session["mfa.totp.secret"]
    answer = visitor.post(f"{MFA}totp/activate/", {"code": code(secret)})
    assert answer.status_code == 302, text(answer)
    return user, secret


def test_whoever_has_a_second_factor_is_asked_for_it() -> None:
    user, secret = protected()
    visitor = Visitor()
    assert visitor.sign_in(user.username)["Location"] == f"{MFA}authenticate/"
    assert not visitor.is_in
    assert "Incorrect code" in text(visitor.post(f"{MFA}authenticate/", {"code": "000000"}))
    assert visitor.post(f"{MFA}authenticate/", {"code": code(secret)})["Location"] == "/console/"
    assert visitor.is_in


def test_a_code_is_good_once_in_all_processes() -> None:
    user, secret = protected()
    used = code(secret)
    first, second = Visitor(), Visitor()
    for visitor in (first, second):
        visitor.sign_in(user.username)
        visitor.post(f"{MFA}authenticate/", {"code": used})
    assert first.is_in
    assert not second.is_in


def test_second_factors_are_tried_five_times() -> None:
    user, secret = protected()
    visitors = [Visitor() for _ in range(6)]
    for visitor in visitors[:5]:
        visitor.sign_in(user.username)
        assert "Incorrect" in text(visitor.post(f"{MFA}authenticate/", {"code": "000000"}))
    visitors[5].sign_in(user.username)
    answer = visitors[5].post(f"{MFA}authenticate/", {"code": code(secret)})
    assert "Too many" in text(answer)
    assert not visitors[5].is_in


def test_a_recovery_code_is_good_once() -> None:
    user, _ = protected()
    row = Authenticator.objects.get(user=user, type="recovery_codes")
    recovery = row.wrap().get_unused_codes()[0]
    first, second = Visitor(), Visitor()
    for visitor in (first, second):
        visitor.sign_in(user.username)
        visitor.post(f"{MFA}authenticate/", {"code": recovery})
    assert (first.is_in, second.is_in) == (True, False)


def test_secrets_are_sealed_at_rest() -> None:
    user, secret = protected()
    stored = Authenticator.objects.get(user=user, type="totp").data["secret"]
    assert secret not in stored
    assert vault.decrypt(stored) == secret


def test_secrets_are_sealed_anew_and_codes_stay_used(unseen: None, settings: Any) -> None:
    user, secret = protected()
    recovery = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    first, second = recovery.get_unused_codes()[:2]
    assert recovery.validate_code(first)
    settings.ENCRYPTION_SECRETS = ["a new one", *settings.ENCRYPTION_SECRETS]
    call_command("rotate_secrets", stdout=StringIO())
    settings.ENCRYPTION_SECRETS = settings.ENCRYPTION_SECRETS[:1]
    stored = Authenticator.objects.get(user=user, type="totp").data["secret"]
    assert vault.decrypt(stored) == secret
    recovery = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    assert not recovery.validate_code(first)
    assert recovery.validate_code(second)


@pytest.mark.parametrize(
    "page", ["totp/activate/", "webauthn/add/", "recovery-codes/generate/", "totp/deactivate/"]
)
def test_second_factors_change_only_after_a_fresh_sign_in(page: str) -> None:
    user, _ = protected()
    user = person() if "activate" in page and "de" not in page else user
    visitor = Visitor()
    visitor.sign_in(user.username)
    if not visitor.is_in:
        codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
        visitor.post(f"{MFA}authenticate/", {"code": codes.get_unused_codes()[0]})
    assert visitor.get(MFA + page).status_code in (200, 302)
    stale(visitor)
    answer = visitor.get(MFA + page)
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]


def test_pages_of_the_account_are_shown() -> None:
    user, _ = protected()
    visitor = Visitor()
    visitor.sign_in(user.username)
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    visitor.post(f"{MFA}authenticate/", {"code": codes.get_unused_codes()[0]})
    pages = ("", "email/", "password/change/", "sessions/", "2fa/", "2fa/webauthn/",
             "2fa/webauthn/add/", "2fa/recovery-codes/", "2fa/recovery-codes/generate/",
             "2fa/totp/deactivate/", "reauthenticate/", "2fa/reauthenticate/", "3rdparty/",
             "logout/")  # fmt: skip
    for page in pages:
        answer = visitor.get(f"/console/account/{page}")
        assert answer.status_code == 200, page
        body = answer.content.decode()
        assert "<h1" in body, page
        assert " style=" not in body, page
        assert " onclick=" not in body, page


def test_a_passkey_is_asked_for_and_nonsense_is_refused() -> None:
    visitor = Visitor()
    asked = visitor.get(f"{MFA}webauthn/login/", headers={"Accept": "application/json"})
    assert asked.json()["request_options"]["publicKey"]["userVerification"] == "required"
    for nonsense in ("", "{}", "[]", "null", '{"id": 1}', "x" * 5000):
        answer = visitor.post(f"{MFA}webauthn/login/", {"credential": nonsense})
        assert answer.status_code in (200, 302), nonsense
        assert not visitor.is_in
