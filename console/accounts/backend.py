"""Whether a name and a password fit together."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from console.accounts import people


class PeopleBackend(AuthenticationBackend):
    """allauth's own looks at a password twice for some names and once for others, so its time
    tells which names there are; here it is always once."""

    def _authenticate(
        self, request: HttpRequest | None, **credentials: str
    ) -> AbstractBaseUser | None:
        name = credentials.get("username") or credentials.get("email") or ""
        return self._check_password(people.named(name), credentials.get("password", ""))
