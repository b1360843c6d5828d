"""What the audit is told of an operation: the object before and after, and why.

The line is written in the transaction of the change. Secrets (fields.Once) never get here.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.http.response import HttpResponseBase
from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer

from billing.models import Tenant
from common import audit
from common.audit import Origin
from relay.api.v1.fields import Once, Strict
from relay.errors import ObjectNotFound

if TYPE_CHECKING:
    from relay.api.v1.operation import Call, Operation, View

WHY = ("memo", "reason")


class Deed:
    """One change by one operation, from before it is done until it is recorded."""

    def __init__(
        self, view: "View", said: "Operation", call: "Call", *, ids: dict[str, Any], method: str
    ) -> None:
        self.view, self.said, self.call, self.ids, self.method = view, said, call, ids, method
        # Here already: some take their body apart.
        self.why = next((call.body[name] for name in WHY if call.body.get(name)), "")

    def do(self, work: Callable[[], Any], origin: Origin) -> Any:
        """What `work` answers; recorded with it, or right after it when it calls others."""
        if self.view.calls_out:
            answer = work()
            self._record(None, answer, origin)
            return answer
        with transaction.atomic():
            before = self._before()
            answer = work()
            self._record(before, answer, origin)
        return answer

    def _before(self) -> dict[str, Any] | None:
        if self._makes:
            return None
        audit.alone(self.view.thing, self._pk({}))
        return self._state()

    def _record(self, before: dict[str, Any] | None, answer: Any, origin: Origin) -> None:
        told = _told(self.said, answer)
        after = self._after(before, told)
        audit.record(
            self.call.manager.author,
            self.view.deed or f"{self.method} {self.view.thing}",
            kind=self.view.thing,
            pk=self._pk(told),
            tenant_id=self._tenant_id(before or told),
            before=before,
            after=after,
            why=self.why,
            origin=origin,
        )

    def _after(self, before: dict[str, Any] | None, told: dict[str, Any]) -> dict[str, Any] | None:
        if self.method == "delete":
            return None
        state = None if before is None else self._state()
        if state is None:
            return told or None
        return state | {name: told[name] for name in self.view.tells}

    def _state(self) -> dict[str, Any] | None:
        try:
            found = self.view.snapshot(self._fresh_call(), **self.ids)
        except ObjectNotFound:
            return None
        if found is None:
            return None
        kind, row = found
        state: dict[str, Any] = opened(kind(), kind(row).data)
        return state

    def _fresh_call(self) -> "Call":
        """With the tenant as it is by now."""
        scope = self.call.scope
        if scope is None:
            return self.call
        return replace(self.call, scope=Tenant.objects.select_related("group").get(pk=scope.pk))

    @property
    def _makes(self) -> bool:
        """Whether the object is not there before."""
        return self.said.status == 201 or (self.method == "post" and is_list(type(self.view)))

    def _pk(self, told: Mapping[str, Any]) -> object:
        if self._makes and (made := _number(told)) is not None:
            return made
        if self.ids:
            return list(self.ids.values())[-1]
        return "" if self.call.scope is None else self.call.scope.pk

    def _tenant_id(self, told: Mapping[str, Any]) -> int | None:
        if self.call.scope is not None:
            return self.call.scope.pk
        found = told.get("tenant_id")
        return found if isinstance(found, int) else None


def is_list(view: "type[View]") -> bool:
    """Whether what it shows are pages of several."""
    said: Operation | None = getattr(getattr(view, "get", None), "operation", None)
    query = said and said.query
    return query is not None and "after" in query._declared_fields


def opened(field: BaseSerializer[Any], value: Any) -> Any:
    """What `field` shows, without what is shown once."""
    if isinstance(field, ListSerializer):
        child = cast("BaseSerializer[Any]", field.child)
        return [opened(child, item) for item in value]
    if not isinstance(field, Serializer) or not isinstance(value, Mapping):
        return value
    return {
        name: opened(field.fields[name], item)  # type: ignore[arg-type]  # others stay as they are
        for name, item in value.items()
        if not isinstance(field.fields[name], Once)
    }


def _told(said: "Operation", answer: Any) -> dict[str, Any]:
    """The answer as the audit may know it: nothing of files."""
    if said.answer is None or isinstance(answer, HttpResponseBase):
        return {}
    kind: type[Strict] = said.answer
    shown: dict[str, Any] = opened(kind(), answer)
    return shown


def _number(told: Mapping[str, Any]) -> object:
    """The id of what was made: its own, or that of the object within the answer."""
    if "id" in told:
        return told["id"]
    within = (value for value in told.values() if isinstance(value, Mapping))
    return next((value["id"] for value in within if "id" in value), None)
