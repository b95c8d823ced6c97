"""What one elder, date, channel and helper say together: rows of the file and stored contacts -> the fate of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from models.issue import local
from rules.visits_facts import Contact, Outcome, without_duplicates


class Held(NamedTuple):
    """A contact of the file (`row`), or a stored one (`id`) that stands or is void."""

    row: int
    outcome: Outcome
    occurred_at: datetime | None
    recorded_at: datetime
    note: bytes | None
    id: int | None = None
    void_reason: str | None = None
    voided: bool = False

    @property
    def stands(self) -> bool:
        """Whether it is stored and stands."""
        return self.id is not None and self.void_reason is None


class Group(NamedTuple):
    """All contacts of one elder, date, channel and helper, stored ones first; `open` reads a sealed note."""

    ref: str
    occurred_on: date
    held: Sequence[Held]
    open: Callable[[bytes | None], str]


@dataclass(slots=True)
class Settled:
    """What becomes of a group.

    `fates` are the file's rows: `same` says nothing new; `void` is stored beside one that stands; `since` is when the
    contact was first recorded, if another row already said it. `voids` and `revived` are stored contacts, `unknown`
    rows that void what is not there, `changes` rows and the column in which they change something stored.
    """

    fates: list[dict[str, Any]] = field(default_factory=list)
    voids: list[tuple[int, str]] = field(default_factory=list)
    revived: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    changes: list[tuple[int, str]] = field(default_factory=list)
    added: int = 0
    unchanged: int = 0

    def fate(self, row: int, *, same: bool = False, void: bool = False, since: datetime | None = None) -> None:
        """Note the fate of a row."""
        self.fates.append({"row": row, "same": same, "void": void, "since": since})


def settled(group: Group) -> Settled:
    """Decide a group of more than one contact, or one that voids another."""
    done = Settled()
    stored = [held for held in group.held if held.id is not None]
    for held in group.held:
        if held.voided:
            stored = _without_mistake(done, held, stored)
    fresh = _news(done, group, stored)
    standing = next((held for held in stored if held.stands), None)
    amended = next((held for held in fresh if standing and _same(held, standing)), None)
    if amended is not None and standing is not None and standing.id is not None:
        done.voids.append((standing.id, "amended"))
        done.changes.append((amended.row, "note"))
        fresh[fresh.index(amended)] = amended._replace(recorded_at=standing.recorded_at)
        standing = None
    done.added += len(fresh) - (amended is not None)
    _contest(done, [standing] if standing else [], fresh)
    return done


def _without_mistake(done: Settled, told: Held, stored: Sequence[Held]) -> list[Held]:
    """Void what never happened; what it had made a duplicate stands again."""
    done.fate(told.row, same=True)
    standing = next((held for held in stored if held.stands), None)
    if standing is None or standing.id is None:
        if stored:
            done.unchanged += 1
        else:
            done.unknown.append(told.row)
        return list(stored)
    done.voids.append((standing.id, "mistaken"))
    done.changes.append((told.row, "voided"))
    left = [held._replace(void_reason="mistaken") if held is standing else held for held in stored]
    hidden = [held for held in left if held.void_reason == "duplicate"]
    if not hidden:
        return left
    next_best = _best(hidden)
    assert next_best.id is not None
    done.revived.append(next_best.id)
    return [held._replace(void_reason=None) if held is next_best else held for held in left]


def _news(done: Settled, group: Group, stored: Sequence[Held]) -> list[Held]:
    """Return the file's rows that say something new; the same contact with the same note, or none, does not."""
    fresh: list[Held] = []
    for held in group.held:
        if held.id is not None or held.voided:
            continue
        note = group.open(held.note)
        if any(not note or note == group.open(other.note) for other in (*stored, *fresh) if _same(held, other)):
            done.fate(held.row, same=True)
            done.unchanged += 1
        else:
            fresh.append(held)
    return fresh


def _contest(done: Settled, standing: Sequence[Held], fresh: Sequence[Held]) -> None:
    """Let one stand; rows of the file that lose are stored void, and so is what stood if it loses."""
    if not fresh:
        return
    best = _best([*standing, *fresh])
    done.voids += [(held.id, "duplicate") for held in standing if held is not best and held.id is not None]
    for held in fresh:
        done.fate(held.row, void=held is not best, since=held.recorded_at)


def _best(rivals: Sequence[Held]) -> Held:
    contacts = [Contact(date.min, h.outcome, local(h.recorded_at), at=_clock(h)) for h in rivals]
    stands, _ = without_duplicates(contacts)
    return next(held for held, contact in zip(rivals, contacts, strict=True) if contact is stands[0])


def _clock(held: Held) -> Any:
    return local(held.occurred_at).time() if held.occurred_at else None


def _same(one: Held, other: Held) -> bool:
    return (one.outcome, one.occurred_at) == (other.outcome, other.occurred_at)
