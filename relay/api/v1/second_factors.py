"""Second factors that somebody has lost, with all recovery codes: an operator removes them."""

from typing import Any

from rest_framework import serializers

from billing.models import StaffMember
from relay.api.v1 import people, roles
from relay.api.v1.fields import Query, Strict, memo
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.people import AccountLine
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest
from relay.operators import second_factors


class WhoseSecondFactors(Query):
    person = people.person()


class SecondFactorRemoval(Strict):
    person = people.person()
    reason = memo(
        required=True,
        allow_blank=False,
        help_text="Why, and how you know that it is this person who asks; for the audit.",
    )


class SecondFactorLine(Strict):
    kind = serializers.ChoiceField(
        choices=second_factors.Kind.values,
        help_text="totp: one-time codes of an app. webauthn: a passkey.",
    )
    name = serializers.CharField(help_text="Of a passkey.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class SecondFactorsOf(Strict):
    details = AccountLine(help_text="Whose they are.")
    factors = SecondFactorLine(many=True)


class RemovedSecondFactors(Strict):
    details = AccountLine(help_text="Whose they were.")
    factors = SecondFactorLine(many=True, help_text="What there was.")
    sessions = serializers.IntegerField(help_text="How many sessions of the person were ended.")


class SecondFactors(View):
    tag = "access"
    site_only = True

    @operation(
        Right.STAFF,
        "Show which second factors a person has",
        query=WhoseSecondFactors,
        answer=SecondFactorsOf,
    )
    def get(self, call: Call) -> dict[str, Any]:
        user = people.account(call.query["person"])
        return {"details": people.account_line(user), "factors": second_factors.of(user)}


class SecondFactorRemovals(View):
    """The password alone lets the person in afterwards. The mail that tells of it goes out after
    the commit."""

    tag = "access"
    thing, deed = "account", "remove second factors"
    site_only = True

    @operation(
        Right.STAFF,
        "Remove all second factors of a person, and end all sessions",
        body=SecondFactorRemoval,
        answer=RemovedSecondFactors,
        status=201,
    )
    def post(self, call: Call) -> dict[str, Any]:
        user = people.account(call.body["person"])
        _check(call, user)
        gone, sessions = second_factors.remove(user)
        return {"details": people.account_line(user), "factors": gone, "sessions": sessions}


def _check(call: Call, user: Any) -> None:
    """One's own go on the account's own pages, which ask for them. Raises InvalidRequest,
    RoleNotAllowed."""
    if user.pk == call.manager.user_id:
        raise InvalidRequest("person: remove your own on the pages of your account")
    if not user.is_active:
        raise InvalidRequest("person: this account is disabled")
    member = StaffMember.objects.filter(user=user).first()
    if member is not None:
        roles.demand_rank(call.manager, member.role)
