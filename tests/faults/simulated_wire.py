"""The network of a simulation: it takes time, loses what is sent and what is answered, repeats."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webhooks.gate import gate
from webhooks.transport import SECONDS, Failure, Outcome


@dataclass
class Taken:
    """
    What a receiver has taken.

    Attributes:
        first: the sequences of each endpoint and account as they first came.
        deliveries: how many came in all.
        out_of_order: those that first came after a later one.
    """

    first: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    deliveries: int = 0
    out_of_order: list[tuple[str, str, int]] = field(default_factory=list)

    def take(self, url: str, body: bytes) -> int:
        """Take a message; returns its sequence."""
        event = json.loads(body)
        account, sequence = event["account_id"], int(event["sequence"])
        came = self.first.setdefault((url, account), [])
        self.deliveries += 1
        if sequence not in came:
            if came and sequence < came[-1]:
                self.out_of_order.append((url, account, sequence))
            came.append(sequence)
        return sequence

    @property
    def duplicates(self) -> int:
        """How many deliveries were not the first one of their event."""
        return self.deliveries - sum(map(len, self.first.values()))


@dataclass(frozen=True)
class Weather:
    """What becomes of one message: how often the receiver takes it, what is answered, and when."""

    name: str
    weight: int
    taken: int
    outcome: Outcome
    seconds: float = 0.05


WEATHERS = (
    # So fast that a sender goes on by itself.
    Weather("taken", 10, 1, Outcome(204), 0.004),
    Weather("taken twice", 2, 2, Outcome(204)),
    Weather("answer lost", 2, 1, Outcome(None, Failure.TIMEOUT), SECONDS),
    Weather("never came", 2, 0, Outcome(None, Failure.TIMEOUT), SECONDS),
    Weather("reset when it was taken", 2, 1, Outcome(None, Failure.RESET)),
    Weather("reset", 1, 0, Outcome(None, Failure.RESET)),
    Weather("taken, then an error", 1, 1, Outcome(500)),
    Weather("error", 2, 0, Outcome(500)),
    Weather("busy", 1, 0, Outcome(503, retry_after="3")),
    Weather("refused", 1, 0, Outcome(422)),
    Weather("no connection", 1, 0, Outcome(None, Failure.CONNECT)),
)


class Wire:
    """
    A transport, as a dispatcher has it, to receivers that are simulated.

    Attributes:
        is_fair: no message is lost, and no answer.
        taken: what the receivers have.
    """

    def __init__(
        self, chance: random.Random, meanwhile: Callable[[float], None], tell: Callable[[str], None]
    ) -> None:
        self._chance = chance
        self._meanwhile = meanwhile
        self._tell = tell
        self.is_fair = False
        self.taken = Taken()

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, seconds: float = SECONDS
    ) -> Outcome:
        """Send a message; others go on while it is under way, and while the answer is."""
        weather = WEATHERS[0] if self.is_fair else self._weather()
        with gate.outside():
            self._meanwhile(weather.seconds / 2)
            for _ in range(weather.taken):
                sequence = self.taken.take(url, body)
                self._tell(f"{url} took {sequence}")
            self._meanwhile(weather.seconds / 2)
        self._tell(f"{url}: {weather.name}")
        return weather.outcome

    def _weather(self) -> Weather:
        return self._chance.choices(WEATHERS, [weather.weight for weather in WEATHERS])[0]

    def close(self) -> None:
        """Nothing is open."""
