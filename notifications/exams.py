"""The mails of a release: the slip to a family, the books to a school, the district's book to the officers.

A key is made of exam, version and reader, so each hears of a release once. A slip names one student and goes to the
verified address of that family alone; its subject tells neither name nor mark, for it is read on locked screens.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from models.district import Contact
from models.drafts import Enclosure
from models.exam_families import Family, verified_addresses
from models.exam_release import latest_versions
from models.message_keys import known_keys
from notifications.duty import Telling, fitted
from notifications.outbox import Draft, address_of, enqueue
from notifications.parcels import Parcel
from notifications.round import StillTrue
from rules.errors import say
from rules.exams_subjects import place

if TYPE_CHECKING:  # the rules bring polars along: a quarter of a second for every run of `deliver`
    from rules.exams_slips import Line, Weak

TOTAL = ("总分", "total")
STATUS_WORDS = {
    "absent": ("缺考", "absent"),
    "violation": ("违纪，不计成绩", "disqualified"),
    "exempt": ("免考", "exempt"),
    "held": ("待学校核对", "being checked"),
}
ENCLOSED = 7_000_000
"""Bytes of the files of one mail: base64 adds a third, and servers take ten million."""
_WORDS, _REASON = 20, 100


@dataclass(frozen=True, slots=True)
class Frame:
    """What all mails of one release share: exam id and name, version, its day, and why it was made."""

    telling: Telling
    exam: int
    name: str
    version: int
    day: date
    reason: str

    @property
    def release(self) -> str:
        """The release in words."""
        return say(f"第{self.version}版", f"release {self.version}")

    def draft(self, key: str, template: str, reader: Contact, told: dict[str, Any], *files: Enclosure) -> Draft:
        """Write a mail; texts are cut to what the template takes, rows are given fitting."""
        return Draft(
            key=key,
            template=template,
            channel="email",
            recipient=reader.ref,
            address=reader.email,
            variables=shortened(template, {"exam": self.name, "release": self.release, **told}),
            district=self.telling.district,
            language="en" if self.telling.lang == "en" else "zh-CN",
            priority=7,
            enclosed=files,
        )


def shortened(template: str, told: dict[str, Any]) -> dict[str, Any]:
    """Cut texts to what the template takes; a slip that corrects nothing has no reason, not a dash for one."""
    return {**fitted(template, told), **{name: "" for name in ("changed",) if told.get(name) == ""}}


def slip_key(exam: int, version: int, student: str) -> str:
    """The key of a student's slip."""
    return f"exam-slip:{exam}:v{version}:{student}"


def books_key(exam: int, version: int, reader: str, part: int = 1) -> str:
    """The key of a mail with books."""
    return f"exam-books:{exam}:v{version}:{reader}:p{part}"


def slip_draft(frame: Frame, family: Family, told: dict[str, Any]) -> Draft | None:
    """Write the slip of a student; None without a usable verified address."""
    address = address_of("email", family.email)
    if not address:
        return None
    reader = Contact(family.ref, family.name, "", address)
    return frame.draft(slip_key(frame.exam, frame.version, family.ref), "exam-slip", reader, told)


def slip_variables(
    student: str, school: str, lines: "Sequence[Line]", weak: "Sequence[Weak]", changed: str = ""
) -> dict[str, Any]:
    """Return what a slip tells; `changed` is the reason why it takes the place of an earlier one."""
    return {
        "student": student,
        "school": school,
        "changed": changed[:_REASON],
        "rows": [_row(line) for line in sorted(lines, key=lambda line: place(line.subject))],
        "weak": [weak_row(*each) for each in weak],
    }


def weak_row(subject: str, point: str, own: float, joint: float) -> dict[str, Any]:
    """A knowledge point with the shares won, own and joint, in thousandths."""
    return {
        "subject": subject_name(subject),
        "point": point[:40] or "—",
        "own": round(own * 1000),
        "joint": round(joint * 1000),
    }


def subject_name(subject: str) -> str:
    """The subject in the language of this run."""
    return say(*TOTAL) if subject == "total" else subject[:_WORDS]


def _row(line: "Line") -> dict[str, Any]:
    told = {"subject": subject_name(line.subject), "mark": "", "full": "", "mean": "", "scaled": "", "standing": ""}
    if line.mark is None or line.full is None:
        return {**told, "mark": say(*STATUS_WORDS[line.status]), "low": None, "high": None}
    return {
        **told,
        "mark": f"{line.mark:g}",
        "full": f"{line.full:g}",
        "mean": "" if line.mean is None else f"{line.mean:.1f}",
        "scaled": "" if line.scaled is None else str(line.scaled),
        "standing": standing(line.low, line.high),
        "low": line.low,
        "high": line.high,
    }


def standing(low: int | None, high: int | None) -> str:
    """Say a band of percentiles as a parent reads it."""
    if low is None or high is None:
        return ""
    if high == 100:
        return say(f"前{100 - low}%", f"the top {100 - low} %")
    if low == 0:
        return say(f"后{high}%", f"the lower {high} %")
    return say(f"超过{low}%～{high}%的考生", f"above {low}-{high} % of candidates")


def parcels_of(files: Sequence[Enclosure], largest: int = ENCLOSED) -> tuple[list[list[Enclosure]], list[Enclosure]]:
    """Divide files into mails, in order; return them, and the files that are too large for any."""
    mails: list[list[Enclosure]] = [[]]
    fit = [file for file in files if len(file.content) <= largest]
    for file in fit:
        if mails[-1] and sum(len(each.content) for each in mails[-1]) + len(file.content) > largest:
            mails.append([])
        mails[-1].append(file)
    return mails, [file for file in files if file not in fit]


def tell_new(session: Session, drafts: Sequence[Draft], telling: Telling) -> list[Draft]:
    """Enqueue those drafts whose keys are new, and return them; a name corrected since is no reason to write again."""
    there = known_keys(session, [draft.key for draft in drafts])
    fresh = [draft for draft in drafts if draft.key not in there]
    enqueue(session, fresh, telling.now)
    return fresh


def still_released(session: Session, parcels: Sequence[Parcel]) -> set[str]:
    """Return the keys of mails whose release is still the latest; a later one makes what waits untrue."""
    named = {parcel.key: _named(parcel.key) for parcel in parcels}
    latest = latest_versions(session, {exam for exam, _ in named.values()})
    return {key for key, (exam, version) in named.items() if latest.get(exam) == version}


def slip_still_true(session: Session, parcels: Sequence[Parcel]) -> set[str]:
    """Return the keys of slips of the latest release whose address is still the family's verified one."""
    good: Collection[str] = still_released(session, parcels)
    now = verified_addresses(session, {parcel.recipient for parcel in parcels})
    return {p.key for p in parcels if p.key in good and address_of("email", now.get(p.recipient, "")) == p.address}


def _named(key: str) -> tuple[int, int]:
    _, exam, version, *_ = key.split(":")
    return int(exam), int(version.removeprefix("v"))


STILL_TRUE: dict[str, StillTrue] = {
    "exam-slip": slip_still_true,
    "exam-released": still_released,
    "exam-rescored": still_released,
}
