"""What holds for every outbox at every moment; rows are (id, key, out_id, state, id of the message it follows)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.notifications.fallible import Carrier

GOES_ON: Mapping[str, set[str]] = {
    "accepted": {"delivered", "undeliverable"},
    "unknown": {"accepted", "delivered", "undeliverable", "pending", "dead"},
    "undeliverable": {"delivered"},
    "delivered": set(),
    "dead": set(),
    "suppressed": set(),
    "expired": set(),
    "cancelled": set(),
}
"""Where a message may go from an end; whatever else it does is no step back."""

ACCEPTED = ("accepted", "delivered", "undeliverable")
NEVER_LEFT = ("pending", "claimed", "dead", "suppressed", "expired", "cancelled")


def nothing_is_accepted_twice_and_everything_accepted_is_known_or_in_doubt(
    rows: Sequence[Any], carriers: Iterable[Carrier]
) -> None:
    taken = Counter(booked.out_id for carrier in carriers for booked in carrier.books)
    assert max(taken.values(), default=0) <= 1
    for _, _, out_id, state, _ in rows:
        assert taken[out_id] == 1 or state not in ACCEPTED
        assert taken[out_id] == 0 or state not in NEVER_LEFT


def no_end_is_undone(before: Mapping[str, str], rows: Sequence[Any]) -> dict[str, str]:
    """Compare states by key with those of a step ago; return those of now."""
    states = {key: state for _, key, _, state, _ in rows}
    for key, state in before.items():
        assert states[key] in {state, *GOES_ON.get(state, {states[key]})}, (key, state, states[key])
    return states


def rows_are_what_was_enqueued_and_one_successor_each_of_what_did_not_get_through(
    rows: Sequence[Any], enqueued: int
) -> None:
    states = {number: state for number, _, _, state, _ in rows}
    followed = Counter(follows for *_, follows in rows if follows is not None)
    assert len(rows) == enqueued + followed.total()
    assert max(followed.values(), default=0) <= 1
    assert {states[before] for before in followed} <= {"suppressed", "dead", "undeliverable", "delivered"}


def at_most_one_chunk_is_in_doubt_each_time(rows: Sequence[Any], most: int) -> None:
    assert sum(state == "unknown" for _, _, _, state, _ in rows) <= most
