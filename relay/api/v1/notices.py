"""What a tenant, or the site's people, have been told."""

from django.db.models import Prefetch
from rest_framework import serializers

from billing import notices
from billing.models import Delivery, Notice
from relay.api.v1.fields import Name, Strict
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of
from relay.api.v1.roles import Right


class DeliveryLine(Strict):
    way = serializers.ChoiceField(choices=Delivery.Way.values)
    address = serializers.CharField()
    state = serializers.ChoiceField(choices=Delivery.State.values)
    tries = serializers.IntegerField()
    error = serializers.CharField()


class NoticeLine(Strict):
    id = serializers.IntegerField()
    kind = serializers.CharField(help_text="Dotted, e.g. balance.low.")
    subject = serializers.CharField()
    text = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]  # a field of that name
    created_at = serializers.DateTimeField()
    deliveries = DeliveryLine(many=True, source="sent")


class NoticeQuery(PageQuery):
    kind = Name(required=False, max_length=40)


class Notices(View):
    """Without a tenant: the site's own."""

    tag = "hooks"
    whole_site = ("GET",)

    @operation(Right.SEE, "List the notices", query=NoticeQuery, answer=page_of(NoticeLine))
    def get(self, call: Call) -> Page:
        rows = Notice.objects.filter(tenant=call.scope)
        if "kind" in call.query:
            rows = rows.filter(kind=call.query["kind"])
        deliveries = Prefetch("deliveries", Delivery.objects.order_by("pk"), to_attr="sent")
        found = page(rows.prefetch_related(deliveries), call.query)
        for notice in found["data"]:
            # In the console as its reader speaks, else in English.
            notice.subject, notice.text = notices.said(notice)
        return found
