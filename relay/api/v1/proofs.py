"""The nightly proofs over the books."""

from rest_framework import serializers

from relay.api.v1.fields import Strict
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of
from relay.api.v1.roles import Right
from relay.models import ProofRun


class ProofLine(Strict):
    id = serializers.IntegerField()
    night = serializers.DateField(allow_null=True, help_text="When it was due.")
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    number = serializers.IntegerField(help_text="How many contradictions there were.")
    findings = serializers.JSONField(help_text="What contradicted, with ids, cut.")


class Proofs(View):
    tag = "site"
    site_only = True

    @operation(Right.SEE_SITE, "List the proofs", query=PageQuery, answer=page_of(ProofLine))
    def get(self, call: Call) -> Page:
        return page(ProofRun.objects.all(), call.query)
