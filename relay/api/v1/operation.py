"""The frame of every view here: who may, what comes in, what goes out, said once per operation.

The same words make the behaviour and the description in openapi.json, so they cannot differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, NamedTuple, cast

from django.db import IntegrityError
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.management_keys import Manager
from billing.models import Tenant
from relay.api import fields as bodies
from relay.api.v1 import roles
from relay.api.v1.auth import ManagementAuthentication, manager
from relay.api.v1.fields import Query, Strict, check
from relay.api.v1.roles import Right
from relay.errors import Conflict, ObjectNotFound

# What a broken constraint means for the one who asked.
CONFLICTS = {
    "billing_tenant_name": "there is a tenant of this name",
    "billing_group_name": "there is a group of this name",
    "channels_channel_name": "there is a channel of this name",
    "threshold_is_unique": "there is this threshold already",
    "member_is_unique": "this person is a member already",
    "price_rule_is_unique_in_its_book": "the book has a rule for this name, mode and scope",
    "group_ratio_is_unique_in_its_book": "the book has a ratio for this group",
    "credential_is_unique": "the channel has a credential of this name",
    "cost_rule_is_unique": "the channel has a cost for this name and mode",
    "violates foreign key constraint": "something points at it, or what it points at is gone",
}


@dataclass(frozen=True)
class Call:
    """One request, checked. `scope` is the tenant it is about, None for the whole site."""

    manager: Manager
    scope: Tenant | None
    query: dict[str, Any]
    body: dict[str, Any]

    @property
    def tenant(self) -> Tenant:
        """For views that are always about one tenant."""
        return cast("Tenant", self.scope)

    @property
    def is_site(self) -> bool:
        return self.manager.is_site

    @property
    def actor(self) -> str:
        return self.manager.actor

    def may(self, right: Right) -> bool:
        return roles.allows(self.manager, right)

    def demand(self, right: Right) -> None:
        """Raises RoleNotAllowed."""
        roles.demand(self.manager, right)


class Operation(NamedTuple):
    """`answer` None: no content. `media_types`: files instead of JSON. `refusals`: statuses that
    only this one has."""

    right: Right
    summary: str
    answer: type[Strict] | None
    body: type[Strict] | None
    query: type[Query] | None
    status: int
    media_types: tuple[str, ...]
    refusals: tuple[int, ...]


class View(APIView):
    """A view of the management API; its methods are made by `operation`."""

    authentication_classes = (ManagementAuthentication,)
    permission_classes = ()
    # Methods that also answer the site's keys without a tenant, about all of them.
    whole_site: ClassVar[tuple[str, ...]] = ()
    # Is about the site and never about one tenant.
    site_only: ClassVar[bool] = False
    tag: ClassVar[str] = ""

    def scope(self, who: Manager, tenant_id: int | None) -> Tenant | None:
        """Raises ObjectNotFound: a tenant's key sees its own tenant, and no other's addresses."""
        tenants = Tenant.objects.select_related("group")
        if who.tenant_id is not None:
            if tenant_id is not None:
                raise ObjectNotFound("address for a tenant's key")
            return None if self.site_only else tenants.filter(pk=who.tenant_id).get()
        if tenant_id is not None:
            owner: Tenant = found(tenants, tenant_id, "tenant")
            return owner
        if self.site_only or self.request.method in self.whole_site:
            return None
        raise ObjectNotFound("address for a site's key; name the tenant: /api/v1/tenants/{id}/…")


def operation(
    right: Right,
    summary: str,
    *,
    answer: type[Strict] | None = None,
    body: type[Strict] | None = None,
    query: type[Query] | None = None,
    status: int = 200,
    media_types: tuple[str, ...] = (),
    refusals: tuple[int, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a view's method of `handle(self, call, **ids)`, which returns what `answer` shows."""
    said = Operation(right, summary, answer, body, query, status, media_types, refusals)

    def decorate(handle: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handle)
        def method(
            self: View, request: Request, tenant_id: int | None = None, **ids: Any
        ) -> HttpResponseBase:
            call = _call(self, request, said, tenant_id)
            return _answer(said, _handled(handle, self, call, ids))

        method.operation = said  # type: ignore[attr-defined]
        return method

    return decorate


def found(rows: Any, pk: int, what: str) -> Any:
    """The row with this id among `rows`. Raises ObjectNotFound."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise ObjectNotFound(what)
    return row


def _call(view: View, request: Request, said: Operation, tenant_id: int | None) -> Call:
    who = manager(request)
    scope = view.scope(who, tenant_id)
    roles.demand(who, said.right)
    return Call(
        manager=who,
        scope=scope,
        query=check(said.query or Query, request.query_params.dict()),
        body=check(said.body, bodies.body_of(request)) if said.body else {},
    )


def _handled(handle: Callable[..., Any], view: View, call: Call, ids: dict[str, Any]) -> Any:
    try:
        return handle(view, call, **ids)
    except IntegrityError as error:
        for constraint, text in CONFLICTS.items():
            if constraint in str(error):
                raise Conflict(text) from error
        raise


def _answer(said: Operation, result: Any) -> HttpResponseBase:
    if isinstance(result, HttpResponseBase):
        return result
    if said.answer is None:
        return Response(None, status=204)
    return Response(said.answer(result).data, status=said.status)
