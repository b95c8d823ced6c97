"""What comes of mark files: a school's own bad rows -> its contact; what has no owner -> operators; all in -> makers.

Keys are made of the exam, the file's hash and the reader's reference: the same file again says nothing twice, though a
workbook made again has other bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlmodel import Session

from models.district import Contact
from models.drafts import Draft, Enclosure, Route
from notifications.duty import Telling, fitted
from notifications.visits import enqueue_new, routes_of

ERRORS, FILE, READY = "exam-errors", "exam-file", "exam-ready"
CHANNELS = {name: routes_of(name) for name in (ERRORS, READY)}
_HASH = 32


class Returned(NamedTuple):
    """What a school is told of its rows in a file: names of school and exam, and counts of rows."""

    school: str
    exam: str
    accepted: int
    refused: int
    held: int


class Unplaced(NamedTuple):
    """Something of a file that no school can mend; `reason` is a word of ours, for the key."""

    reason: str
    what: str
    remedy: str


class Complete(NamedTuple):
    """An exam whose marks are all in."""

    exam: str
    code: str
    students: int
    held: int
    command: str


def errors_key(exam: int, digest: str, school: str) -> str:
    """The key of a school's mail; `exam` by id, `school` by reference."""
    return f"{ERRORS}:{exam}:{digest[:_HASH]}:{school}"


def tell_school(
    session: Session, telling: Telling, key: str, contact: Contact, told: Returned, sheet: Enclosure
) -> int:
    """Send a school its bad rows; return how many messages are new."""
    values = {"name": contact.name or told.school, **told._asdict()}
    draft = telling.draft(ERRORS, ERRORS, key, contact, values)
    return enqueue_new(session, [replace(draft, enclosed=(sheet,))], telling.now)


def tell_operators(
    session: Session,
    telling: Telling,
    operators: Iterable[tuple[int, Route]],
    file: tuple[str, str],
    found: Sequence[Unplaced],
) -> int:
    """Tell operators of a file, its name and hash, what only they can mend; return how many messages are new."""
    name, digest = file
    drafts = [
        Draft(
            key=f"{FILE}:{digest[:_HASH]}:{each.reason}:{place}",
            template=FILE,
            channel=channel,
            recipient=f"OPERATOR-{place}",
            address=address,
            variables=fitted(FILE, {"file": name, "what": each.what, "remedy": each.remedy}),
            district=telling.district,
            language="en" if telling.lang == "en" else "zh-CN",
        )
        for place, (channel, address) in operators
        for each in found
    ]
    return enqueue_new(session, drafts, telling.now)


def tell_ready(session: Session, telling: Telling, exam: int, people: Sequence[Contact], told: Complete) -> int:
    """Tell makers, once an exam, that all is in; return how many messages are new."""
    drafts = [
        telling.draft(READY, READY, f"{READY}:{exam}:{each.ref}", each, {"name": each.name, **told._asdict()})
        for each in people
    ]
    return enqueue_new(session, drafts, telling.now)
