"""Signing in at another provider: OpenID Connect and GitHub, by settings."""

import logging
from collections.abc import Callable
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.github.views import oauth2_callback, oauth2_login
from allauth.socialaccount.providers.openid_connect.views import callback as oidc_callback
from allauth.socialaccount.providers.openid_connect.views import login as oidc_login
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from requests import RequestException

from console.accounts import sign_up
from console.pages import leave

logger = logging.getLogger(__name__)


class SocialAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        if not sign_up.is_open(request):
            return False
        confirmed = [found.email for found in sociallogin.email_addresses if found.verified]
        return any(sign_up.admits(request, mail) for mail in confirmed or [""])

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """OpenID Connect Core 1.0, 5.3.2: what the provider tells of a person must be of the
        person whom it has vouched for."""
        data = sociallogin.account.extra_data
        vouched, told = data.get("id_token"), data.get("userinfo")
        if vouched and told and vouched.get("sub") != told.get("sub"):
            provider = sociallogin.account.get_provider(request)
            raise ImmediateHttpResponse(render_authentication_error(request, provider))

    def save_user(
        self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None
    ) -> AbstractBaseUser:
        user: AbstractBaseUser = super().save_user(request, sociallogin, form)
        sign_up.remember(request, user)
        return user


def oidc(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _away(request, _guarded(request, oidc_login, provider_id))


def oidc_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _guarded(request, oidc_callback, provider_id)


def github(request: HttpRequest) -> HttpResponse:
    return _away(request, _guarded(request, oauth2_login))


def github_back(request: HttpRequest) -> HttpResponse:
    return _guarded(request, oauth2_callback)


def _guarded(request: HttpRequest, view: Callable[..., HttpResponse], *ids: str) -> HttpResponse:
    """A provider that is away, or says nonsense, is no fault of ours."""
    try:
        return view(request, *ids)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    except (RequestException, LookupError, TypeError, ValueError) as error:
        logger.warning("signing in elsewhere failed: %r", error)
        return render(request, "socialaccount/authentication_error.html", status=502)


def _away(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The policy of our pages lets no form lead to another site, not by a redirect either."""
    url = response.get("Location", "")
    if not url.startswith(("https://", "http://")):
        return response
    return leave(request, url, gettext("You go on at the place that you have chosen."))
