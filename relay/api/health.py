"""Is the process alive, and can it work?"""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from relay.watch import readiness


class Health(APIView):
    """GET healthz: the process answers. Nothing else is asked, so that a slow database restarts
    nobody."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class Readiness(APIView):
    """GET readyz: 200 when the database answers and has this code's schema. Redis may be gone:
    then nothing is lost, only followed later."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        found = readiness.standing()
        word = "ready" if found.is_ready else "not ready"
        return Response({"status": word, **found._asdict()}, status=200 if found.is_ready else 503)
