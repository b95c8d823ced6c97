"""Asking approvers to release an exam: once for each content and person, with the sheet of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlmodel import Session

from models.district import Contact
from models.drafts import Enclosure
from notifications.duty import Telling
from notifications.visits import enqueue_new

APPROVAL = "exam-approval"


class AskedRelease(NamedTuple):
    """What approvers are asked for, in counts; `edition` tells contents apart.

    The confirmation code proves that the sheet was read: it stands in the sheet and nowhere in a message.
    """

    exam: str
    code: str
    version: int
    reason: str
    students: int
    held: int
    missing: int
    edition: str


def tell_exam_approvers(
    session: Session, telling: Telling, people: Sequence[Contact], asked: AskedRelease, sheet: Enclosure
) -> int:
    """Ask the approvers to look at a release; return how many messages are new."""
    told, drafts = {name: value for name, value in asked._asdict().items() if name != "edition"}, []
    for contact in people:
        key = f"{APPROVAL}:{telling.district}:{asked.edition}:{contact.ref}"  # a code of an exam may be Chinese
        draft = telling.draft(APPROVAL, APPROVAL, key, contact, {"name": contact.name, **told})
        drafts.append(replace(draft, enclosed=(sheet,)))
    return enqueue_new(session, drafts, telling.now)
