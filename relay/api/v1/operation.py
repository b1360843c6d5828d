"""The frame of every view here: who may, what comes in, what goes out, said once per operation.

The same words make the behaviour and the description in openapi.json, so they cannot differ.
The console asks the same operations by `perform`, so it can do nothing that the API cannot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from functools import wraps
from typing import Any, ClassVar, NamedTuple, cast

from django.db import IntegrityError
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from billing import limits
from billing.management_keys import Manager
from billing.models import Tenant
from common.audit import Origin
from relay.api import fields as bodies
from relay.api import limited
from relay.api.v1 import origins, recording, roles
from relay.api.v1.auth import ManagementAuthentication, manager
from relay.api.v1.fields import Query, Strict, check
from relay.api.v1.roles import Right
from relay.errors import Conflict, ObjectNotFound

SAFE = ("get", "head")
# What a broken constraint means for the one who asked.
CONFLICTS = {
    "billing_tenant_name": "there is a tenant of this name",
    "billing_group_name": "there is a group of this name",
    "channels_channel_name": "there is a channel of this name",
    "threshold_is_unique": "there is this threshold already",
    "member_is_unique": "this person is a member already",
    "billing_staffmember_user_id": "this person is one of the staff already",
    "invitation_is_open_once": "there is an invitation to this address",
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
    origin: Origin

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
    """`handle` does the work. `answer` None: no content. `media_types`: files instead of JSON.
    `refusals`: statuses that only this one has."""

    handle: Callable[..., Any]
    right: Right
    summary: str
    answer: type[Strict] | None
    body: type[Strict] | None
    query: type[Query] | None
    status: int
    media_types: tuple[str, ...]
    refusals: tuple[int, ...]


# Every one there is, as soon as its module is loaded.
OPERATIONS: list[Operation] = []


class View(limited.Limited):
    """A view of the management API; its methods are made by `operation`."""

    authentication_classes = (ManagementAuthentication,)
    permission_classes = ()
    # Methods that also answer the site's keys without a tenant, about all of them.
    whole_site: ClassVar[tuple[str, ...]] = ()
    # Is about the site and never about one tenant.
    site_only: ClassVar[bool] = False
    tag: ClassVar[str] = ""
    # What the audit calls the object that a change is about, and the change where the method and
    # that would not say it ("post key" for one that disables it).
    thing: ClassVar[str] = ""
    deed: ClassVar[str] = ""
    # Whose GET shows that object, if not this one's; what of the answer the audit keeps besides.
    shown_by: "ClassVar[type[View] | None]" = None
    tells: ClassVar[tuple[str, ...]] = ()
    # Asks other machines, so no transaction is open meanwhile: the audit is written right after.
    calls_out: ClassVar[bool] = False
    # Whether the audit hears of its changes. Tasks are no settings: they stand in their own table,
    # and prompts belong to nobody but their tenant.
    is_recorded: ClassVar[bool] = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises RateLimited."""
        super().initial(request, *args, **kwargs)
        asked = limits.manages(manager(request))
        self.room = limited.told(limited.counted("manage", lambda: limits.take(asked)))

    def snapshot(self, call: "Call", **ids: Any) -> tuple[type[Strict], Any] | None:
        """What the audit compares before and after a change: (how it is shown, the object); None
        where there is nothing to compare."""
        shown_by = self.shown_by or type(self)
        said: Operation | None = getattr(getattr(shown_by, "get", None), "operation", None)
        if said is None or said.answer is None or recording.is_list(shown_by):
            return None
        plain = replace(call, query=check(said.query or Query, {}))
        return said.answer, said.handle(shown_by(), plain, **ids)

    def scope(self, who: Manager, tenant_id: int | None, method: str) -> Tenant | None:
        """Raises ObjectNotFound: a tenant's people see their own tenant, and no other."""
        tenants = Tenant.objects.select_related("group")
        if who.tenant_id is not None:
            if tenant_id not in (None, who.tenant_id):
                raise ObjectNotFound("tenant")
            return None if self.site_only else tenants.filter(pk=who.tenant_id).get()
        if tenant_id is not None:
            owner: Tenant = found(tenants, tenant_id, "tenant")
            return owner
        if self.site_only or method.upper() in self.whole_site:
            return None
        raise ObjectNotFound("address for a site's key; name the tenant: /api/v1/tenants/{id}/…")


@dataclass(frozen=True)
class _Asked:
    """One request, unchecked. The body is read only when the asker may ask at all."""

    view: View
    method: str
    who: Manager
    tenant_id: int | None
    query: Mapping[str, Any]
    body: Callable[[], Mapping[str, Any]]
    ids: dict[str, Any]
    origin: Origin

    @property
    def said(self) -> Operation:
        found: Operation = getattr(self.view, self.method).operation
        return found


def perform(
    view: type[View],
    method: str,
    *,
    who: Manager,
    tenant_id: int | None = None,
    query: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    ids: Mapping[str, Any] | None = None,
    origin: Origin | None = None,
) -> Any:
    """What the API answers this asker: a dict, a list, None for no content, or a file's
    HttpResponse. All is checked and recorded as it is for the API; `origin`: for the record.

    `tenant_id`: for the site's people the tenant that it is about; a tenant's may name their own.
    Raises what relay/api/errors.py knows: InvalidRequest, RoleNotAllowed, ObjectNotFound …
    """
    asked = _Asked(
        view=view(),
        method=method.lower(),
        who=who,
        tenant_id=tenant_id,
        query=query or {},
        body=lambda: body or {},
        ids=dict(ids or {}),
        origin=origin or Origin(),
    )
    # As for the API's askers: in the viewer's zone moments could lie beyond all years, and the
    # audit would have them in as many zones as there are people.
    with timezone.override(UTC):
        return _done(asked)


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

    def decorate(handle: Callable[..., Any]) -> Callable[..., Any]:
        said = Operation(handle, right, summary, answer, body, query, status, media_types, refusals)

        @wraps(handle)
        def method(
            self: View, request: Request, tenant_id: int | None = None, **ids: Any
        ) -> HttpResponseBase:
            return _respond(said, _done(_asked(self, request, tenant_id, ids)))

        OPERATIONS.append(said)
        method.operation = said  # type: ignore[attr-defined]
        return method

    return decorate


def found(rows: Any, pk: int, what: str) -> Any:
    """The row with this id among `rows`. Raises ObjectNotFound."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise ObjectNotFound(what)
    return row


def _asked(view: View, request: Request, tenant_id: int | None, ids: dict[str, Any]) -> _Asked:
    """Raises ObjectNotFound: a tenant's keys have their own addresses, and no others."""
    who = manager(request)
    if who.tenant_id is not None and tenant_id is not None:
        raise ObjectNotFound("address for a tenant's key")
    return _Asked(
        view=view,
        method=cast("str", request.method).lower(),
        who=who,
        tenant_id=tenant_id,
        query=request.query_params.dict(),
        body=lambda: bodies.body_of(request),
        ids=ids,
        origin=origins.of(request, via="api"),
    )


def _done(asked: _Asked) -> Any:
    """Checks, does it, records it when it changes anything: what is answered."""
    said, who = asked.said, asked.who
    scope = asked.view.scope(who, asked.tenant_id, asked.method)
    roles.demand(who, said.right)
    call = Call(
        manager=who,
        scope=scope,
        query=check(said.query or Query, asked.query),
        body=check(said.body, asked.body()) if said.body else {},
        origin=asked.origin,
    )

    def work() -> Any:
        return _shown(said, said.handle(asked.view, call, **asked.ids))

    try:
        if asked.method in SAFE or not asked.view.is_recorded:
            return work()
        deed = recording.Deed(asked.view, said, call, ids=asked.ids, method=asked.method)
        return deed.do(work, asked.origin)
    except IntegrityError as error:
        for constraint, text in CONFLICTS.items():
            if constraint in str(error):
                raise Conflict(text) from error
        raise


def _shown(said: Operation, result: Any) -> Any:
    if isinstance(result, HttpResponseBase):
        return result
    return None if said.answer is None else said.answer(result).data


def _respond(said: Operation, shown: Any) -> HttpResponseBase:
    if isinstance(shown, HttpResponseBase):
        return shown
    return Response(shown, status=204 if said.answer is None else said.status)
