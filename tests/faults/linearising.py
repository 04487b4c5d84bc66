"""
Whether what clients saw of a pool can be put in one line, each call at an instant of its own.

A history is linearisable when there is an order of its calls, in which none comes before one that
had ended when it began, and in which each answer is the one that the counter of a pool would have
given. The search is that of Wing and Gong with Lowe's memory of what was tried. Calls whose answer
nobody heard may have happened at any time since they began, or never.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Any

# How many seats are purchased, and how many of them are assigned.
State = tuple[int, int]
# What is answered where the pool has no seat left.
FULL = "full"
DONE = "done"


class Kind(Enum):
    """What a client can ask of a pool."""

    ASSIGN = "assign"
    TAKE_BACK = "take back"
    BUY = "buy"
    READ = "read"


@dataclass(frozen=True)
class Call:
    """
    One call of one client.

    Attributes:
        kind: what was asked.
        began, ended: when, on a clock that counts up; it never ended where nobody heard the answer.
        answer: `DONE` or `FULL`, the state that was read, the seats before and after a purchase;
            None where nobody heard it.
    """

    kind: Kind
    began: int
    ended: float = inf
    answer: Any = None

    @property
    def is_known(self) -> bool:
        """Whether somebody heard the answer."""
        return self.answer is not None


def after(state: State, call: Call) -> State | None:
    """The state of a pool after a call; None where it would not have answered that."""
    purchased, assigned = state
    following, answer = {
        Kind.ASSIGN: ((purchased, assigned + 1), DONE),
        Kind.TAKE_BACK: ((purchased, assigned - 1), DONE),
        Kind.BUY: ((purchased + 1, assigned), (purchased, purchased + 1)),
        Kind.READ: (state, state),
    }[call.kind]
    if call.kind is Kind.ASSIGN and assigned >= purchased:
        following, answer = state, FULL
    return following if call.answer in (None, answer) else None


def is_linearisable(history: Sequence[Call], state: State) -> bool:
    """Whether a history of a pool that was in this state can be put in one line."""
    calls = sorted(history, key=lambda call: call.began)
    everything = sum(1 << n for n, call in enumerate(calls) if call.is_known)
    tried: set[tuple[int, State]] = set()

    def can_go_on(told: int, state: State) -> bool:
        if told & everything == everything:
            return True
        if (told, state) in tried:
            return False
        tried.add((told, state))
        left = [(n, call) for n, call in enumerate(calls) if not told & 1 << n]
        # What began when another one had ended comes after that one.
        first_end = min(call.ended for _, call in left)
        following = (
            (told | 1 << n, after(state, call)) for n, call in left if call.began < first_end
        )
        return any(then is not None and can_go_on(more, then) for more, then in following)

    return can_go_on(0, state)
