"""Django REST framework with its generic views, serializers and pagination, in one file."""

import json
import os
import uuid
from datetime import UTC, datetime
from typing import Any

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="of no use",
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["PEER_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 5,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=full;",
            },
        }
    },
    INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models, transaction  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, serializers  # noqa: E402
from rest_framework.exceptions import APIException  # noqa: E402
from rest_framework.pagination import CursorPagination  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

FEATURES = {"contacts": {"core", "sales"}, "reports": {"sales"}}


class Pool(models.Model):
    id = models.TextField(primary_key=True)
    account_id = models.TextField()
    seat_type = models.TextField()
    purchased = models.IntegerField()
    assigned = models.IntegerField()

    class Meta:
        app_label, db_table, managed = "peer", "pools", False


class Seat(models.Model):
    id = models.TextField(primary_key=True, default=lambda: str(uuid.uuid4()))
    account_id = models.TextField()
    pool = models.ForeignKey(Pool, models.DO_NOTHING)
    user_id = models.TextField()
    seat_type = models.TextField()
    created_at = models.TextField(default=lambda: datetime.now(UTC).isoformat())

    class Meta:
        app_label, db_table, managed = "peer", "seats", False


class Outbox(models.Model):
    id = models.AutoField(primary_key=True)
    account_id = models.TextField()
    type = models.TextField()
    body = models.TextField()

    class Meta:
        app_label, db_table, managed = "peer", "outbox", False


class SeatSerializer(serializers.ModelSerializer):
    pool_id = serializers.CharField(read_only=True)

    class Meta:
        model = Seat
        fields = ("id", "account_id", "pool_id", "user_id", "seat_type", "created_at")
        read_only_fields = ("id", "account_id", "created_at")


class NoSeatAvailable(APIException):
    status_code = 409
    default_detail = "no seat is available"


class ById(CursorPagination):
    page_size = 50
    ordering = "id"


class Hello(APIView):
    def get(self, _request: Any) -> Response:
        return Response({"hello": "world"})


class Entitlement(APIView):
    def get(self, _request: Any, account_id: str, user_id: str, feature: str) -> Response:
        held = Seat.objects.filter(account_id=account_id, user_id=user_id)
        allowed = any(seat.seat_type in FEATURES[feature] for seat in held)
        return Response({"feature": feature, "level": "full" if allowed else "none"})


class Seats(generics.ListCreateAPIView):
    serializer_class = SeatSerializer
    pagination_class = ById

    def get_queryset(self) -> Any:
        return Seat.objects.filter(account_id=self.kwargs["account_id"])

    @transaction.atomic
    def perform_create(self, serializer: Any) -> None:
        account_id = self.kwargs["account_id"]
        pools = Pool.objects.filter(
            account_id=account_id, seat_type=serializer.validated_data["seat_type"]
        )
        claimed = pools.filter(assigned__lt=models.F("purchased")).update(
            assigned=models.F("assigned") + 1
        )
        if not claimed:
            raise NoSeatAvailable
        seat = serializer.save(account_id=account_id, pool=pools.get())
        body = {"id": seat.id, "user_id": seat.user_id, "seat_type": seat.seat_type}
        Outbox.objects.create(account_id=account_id, type="seat.assigned", body=json.dumps(body))


urlpatterns = [
    path("hello", Hello.as_view()),
    path("accounts/<account_id>/seats", Seats.as_view()),
    path("accounts/<account_id>/users/<user_id>/entitlements/<feature>", Entitlement.as_view()),
]
app = get_wsgi_application()
