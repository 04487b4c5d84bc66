"""
The vocabulary of webhook tests: a dispatcher whose time a test moves, and endpoints.

    with Receiver() as receiver, a_stage(hands) as stage:
        endpoint = stage.endpoint(receiver, account)
        stage.deliver()
        receiver.events
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from peewee import Case, fn

from licensing import settings
from licensing.rules.permissions import system
from tests import hygiene
from tests.receivers import Receiver
from tests.world import AnAccount, Hands
from webhooks.dispatcher import Dispatcher
from webhooks.models import Endpoint, Lane
from webhooks.operations import endpoints
from webhooks.operations.endpoints import NewEndpoint
from webhooks.transport import Transport

FAR = 10**15


class Stage:
    """A dispatcher that reads the time from the hands of the test's clock."""

    def __init__(self, hands: Hands, **options: Any) -> None:
        self.hands = hands
        transport = Transport(settings.current().webhook_allowed_hosts)
        self.dispatcher = Dispatcher(transport, now=self.now, **options)
        self.secrets: dict[str, str] = {}

    def now(self) -> int:
        """The instant of the hands, in milliseconds."""
        return int(self.hands.now.timestamp() * 1000)

    def endpoint(
        self, receiver: Receiver, account: AnAccount | None = None, *types: str, **more: Any
    ) -> str:
        """An active endpoint; returns its id."""
        wanted = NewEndpoint(
            receiver.url, list(types) or ["*"], None if account is None else account.id, **more
        )
        made, secret = endpoints.create_endpoint(system(), wanted)
        endpoints.enable_endpoint(system(), made.id)
        self.secrets[made.id] = hygiene.secret(secret)
        return str(made.id)

    def deliver(self) -> int:
        """Send all that is due; returns how many messages that were."""
        return self.dispatcher.deliver_all()

    def pass_time(self, **by: float) -> None:
        """Let time pass, and send whatever comes due on the way, as a dispatcher does."""
        end = self.now() + Hands.span(**by) // Hands.span(milliseconds=1)
        self.deliver()
        while (following := min(end, self._next_due())) < end:
            self._move_to(following)
            self.deliver()
        self._move_to(end)
        self.deliver()

    def _next_due(self) -> int:
        """The next instant at which something may be sent, in milliseconds."""
        now = self.now()
        # Nothing is sent of a lane that is due while its endpoint is left alone.
        later = ((Lane.due_at > Endpoint.next_send_at, Lane.due_at),)
        ready = Case(None, later, Endpoint.next_send_at)
        due: list[Any] = [
            Lane.select(fn.MIN(ready))
            .join(Endpoint, on=Endpoint.id == Lane.endpoint_id)
            .where(Lane.state == "ready", ready > now),
            Lane.select(fn.MIN(Lane.lease_until) + 1).where(Lane.state == "leased"),
            Endpoint.select(fn.MIN(Endpoint.next_send_at)).where(
                Endpoint.status == "pending", Endpoint.next_send_at > now
            ),
        ]
        return max(min(query.scalar() or FAR for query in due), now + 1)

    def _move_to(self, milliseconds: int) -> None:
        self.hands.move_to(datetime.fromtimestamp(milliseconds / 1000, UTC))

    def lane(self, endpoint_id: str, account: AnAccount) -> Lane:
        """How far an endpoint is in an account."""
        return Lane.get(Lane.endpoint_id == endpoint_id, Lane.account_id == account.id)


@contextmanager
def a_stage(hands: Hands, **options: Any) -> Iterator[Stage]:
    """A stage, whose senders and sockets are gone afterwards."""
    stage = Stage(hands, **options)
    try:
        yield stage
    finally:
        stage.dispatcher.close()


def endpoint(id: str) -> Endpoint:
    """An endpoint as it is."""
    return Endpoint.get_by_id(id)
