"""What a receiver of webhooks was sent: how often each event came, and in which order."""

import threading
from collections import Counter

from tests.receivers import Answer, Received

# The account, and the number in its log.
EventKey = tuple[str, int]


class Seen:
    """A receiver's memory: how often each event came, and which came out of its order."""

    def __init__(self) -> None:
        self.times: Counter[EventKey] = Counter()
        self.out_of_order: list[EventKey] = []
        self._last: dict[str, int] = {}
        self._changed = threading.Condition()

    def __call__(self, received: Received) -> Answer:
        event = received.json
        account, sequence = event["account_id"], event["sequence"]
        with self._changed:
            if (account, sequence) not in self.times and sequence < self._last.get(account, 0):
                self.out_of_order.append((account, sequence))
            self._last[account] = max(sequence, self._last.get(account, 0))
            self.times[account, sequence] += 1
            self._changed.notify_all()
        return Answer(204)

    def wait_for(self, expected: set[EventKey], seconds: float) -> set[EventKey]:
        """Wait until all of these came; returns those that did not."""
        missing = set(expected)

        def came() -> bool:
            missing.difference_update([key for key in missing if key in self.times])
            return not missing

        with self._changed:
            self._changed.wait_for(came, seconds)
            return missing

    @property
    def duplicates(self) -> int:
        """How many deliveries were not the first one of their event."""
        return self.times.total() - len(self.times)
