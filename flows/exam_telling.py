"""Who hears what of a release: read it once -> slips school by school -> books to schools and officers, each once.

One transaction a portion of a school: slips, cancelled older ones and the audit entry. A kill in the middle loses
nothing, and a second run finds the keys that are there.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlmodel import Session

from flows.exam_telling_books import book_mails
from flows.jobs import Result, at_work, lease_end
from flows.settings import Settings
from models import audit
from models.db import Database
from models.district import district_id
from models.exam import Named, exam_named
from models.exam_families import TOLD, Family, families, message_states, school_contacts
from models.exam_findings import Findings, item_answers
from models.exam_releases import Release, released_findings, releases
from models.jobs import Claim, renew
from models.messages import cancel
from notifications.duty import Telling
from notifications.exams import Frame, slip_draft, slip_key, slip_variables, tell_new
from notifications.outbox import Draft, address_of
from rules.exam_refusals import NotReleased, Superseded
from rules.exams_slips import Slips, slips
from rules.portions import portions

JOB = "exam-report"
PORTION = 500
"""Families in one transaction."""


@dataclass
class Reading:
    """A release with all that its mails are made of; earlier ones are read when a family has a slip of them."""

    database: Database
    settings: Settings
    sitting: Named
    code: str
    known: dict[int, Release]
    one: Release
    found: Findings
    slips: Slips
    earlier: dict[int, tuple[dict[int, int], Slips]] = field(default_factory=dict)

    @property
    def frame(self) -> Frame:
        """What all its mails share."""
        chosen = self.settings
        telling = Telling(chosen.district, chosen.now(), chosen.tz, chosen.lang, {})
        day = chosen.local(self.one.released_at).date()
        return Frame(telling, self.sitting.id, self.sitting.name, self.one.version, day, self.one.reason)

    def before(self, session: Session, version: int) -> tuple[dict[int, int], Slips]:
        """Return the places of students and the slips of an earlier release."""
        if version not in self.earlier:
            found = released_findings(session, self.sitting.id, version, check=False)
            self.earlier[version] = places_of(found), slips_of(session, found)
        return self.earlier[version]


def places_of(found: Findings) -> dict[int, int]:
    """Map students to their places in the roster."""
    return {student: at for at, student in enumerate(found.entered.students["student"].to_list())}


def slips_of(session: Session, found: Findings) -> Slips:
    """Prepare the slips of an exam as it is known."""
    answers = ((each.sheet, each.students) for each in item_answers(session, found))
    return slips(found.entered, found.sheets, answers, found.policy.suppression.smallest)


def read_release(database: Database, settings: Settings, code: str, version: int | None) -> Reading:
    """Read the latest release of an exam.

    Raises:
        NoExam, NotReleased: there is nothing to report.
        Superseded: `version` is not the latest.
    """
    with database.read() as session:
        sitting = exam_named(session, district_id(session, settings.district), code)
        known = {each.version: each for each in releases(session, sitting.id)}
        if not known or (version or 0) > max(known):
            raise NotReleased(code)
        latest = max(known)
        if version is not None and version != latest:
            raise Superseded(code, version, latest)
        found = released_findings(session, sitting.id, latest)
        return Reading(database, settings, sitting, code, known, known[latest], found, slips_of(session, found))


def report_exam(database: Database, settings: Settings, code: str, version: int | None, to: str) -> Result:
    """Tell a release to families, schools and officers, or to some of them; return counts, nobody's name or mark.

    Raises:
        NoExam, NotReleased, Superseded: nothing was sent.
    """
    reading = read_release(database, settings, code, version)
    run_key = f"{code}:v{reading.one.version}"
    return at_work(database, JOB, run_key, settings.district, lambda held: _report(reading, to, held))


def _report(reading: Reading, to: str, held: Claim) -> Result:
    result: Result = {"exam": reading.code, "version": reading.one.version}
    if to in {"all", "families"}:
        result |= _tell_families(reading, held)
    if to in {"all", "schools", "officers"}:
        with reading.database.read() as session:
            older = reading.one.version - 1
            before = released_findings(session, reading.sitting.id, older, check=False) if older else None
        result |= book_mails(reading.database, reading.settings, reading.frame, reading.found, before, to, held)
    return result


def _tell_families(reading: Reading, held: Claim) -> Result:
    new, corrected = Counter[str](), Counter[str]()
    silent = Counter[str]()
    for school, places in schools_of(reading.found):
        for some in portions(places, PORTION):
            told = _tell_portion(reading, school, some, held)
            new[school] += told.new
            corrected[school] += told.corrected
            silent[school] += told.silent
    rows = [
        {"school": school, "slips": new[school], "corrected": corrected[school], "unverified": silent[school]}
        for school in new
    ]
    return {
        "slips": new.total(),
        "corrected": corrected.total(),
        "unverified": silent.total(),
        "schools": rows,
    }


def schools_of(found: Findings) -> Iterator[tuple[str, list[int]]]:
    """Yield each school's code with the places of its students in the roster."""
    for code, school in enumerate(found.entered.schools["school"].to_list()):
        yield school, [int(at) for at in np.flatnonzero(found.entered.school == code)]


@dataclass
class _Told:
    new: int = 0
    corrected: int = 0
    silent: int = 0


def _tell_portion(reading: Reading, school: str, places: Sequence[int], held: Claim) -> _Told:
    """Write the slips of some students of one school in one transaction."""
    ids = reading.found.entered.students["student"]
    at_of = {int(ids[at]): at for at in places}
    with reading.database.read() as session:
        name = school_contacts(session, district_id(session, reading.settings.district))[school].name
        people = families(session, list(at_of))
    reached = [each for each in people if address_of("email", each.email)]
    told = _Told(silent=len(people) - len(reached))
    with reading.database.write() as session:
        renew(session, held, lease_end())
        told_of = _told_before(session, reading, reached)
        drafts: list[Draft] = []
        for family in reached:
            reason = _reason(session, reading, family, at_of[family.id], told_of.get(family.ref))
            if reason is not None:
                drafts += _slip(reading, family, at_of[family.id], name, reason)
        fresh = tell_new(session, drafts, reading.frame.telling)
        told.new = len(fresh)
        told.corrected = sum(bool(draft.variables["changed"]) for draft in fresh)
        if told.new:
            counts = {"exam": reading.code, "version": reading.one.version, "school": school, "slips": told.new}
            audit.record(session, reading.settings.district, JOB, "exam.slips", reading.settings.now(), **counts)
    return told


def _told_before(session: Session, reading: Reading, people: Sequence[Family]) -> dict[str, int]:
    """Map references to the latest earlier release whose slip left; older slips that still wait are called back."""
    found: dict[str, int] = {}
    for version in sorted(each for each in reading.known if each < reading.one.version):
        keys = {slip_key(reading.sitting.id, version, each.ref): each.ref for each in people}
        cancel(session, list(keys), "later release", reading.settings.now())
        states = message_states(session, list(keys))
        found |= {keys[key]: version for key, state in states.items() if state in TOLD}
    return found


def _reason(session: Session, reading: Reading, family: Family, at: int, version: int | None) -> str | None:
    """Return why a slip takes the place of an earlier one, "" for the first, None where nothing of theirs changed."""
    if version is None:
        return ""
    places, earlier = reading.before(session, version)
    if family.id in places:
        before = [line.own for line in earlier.lines(places[family.id])]
        if before == [line.own for line in reading.slips.lines(at)]:
            return None
    return reading.one.reason or "—"


def _slip(reading: Reading, family: Family, at: int, school: str, reason: str) -> list[Draft]:
    frame = reading.frame
    lines, weak = reading.slips.lines(at), list(reading.slips.weak.of(at))
    told = slip_variables(family.name[:50], school[:60], lines, weak, reason)
    draft = slip_draft(frame, family, {**told, "date": frame.day}) if lines else None
    return [] if draft is None else [draft]
