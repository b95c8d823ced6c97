"""The demo's payees and staff: accounts, certifications and budgets from Excel, officers with authenticators.

The authenticators are made here, used here and forgotten: no secret and no code is ever shown.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyotp

from flows import staff_desk
from flows.demo_stage import Stage, at_moment, short, tell
from flows.intake import take_file
from flows.sample import District
from flows.sample_elders import make_elders
from flows.sample_payees import SEND, make_staff, write_payee_files
from flows.sample_visits import visits
from rules.allowances_age import age_on
from rules.errors import say
from rules.registers.days import day_of

TAKEN, JUST_COME = "2026-03-20T09:00:00+08:00", "2026-04-01"
MAKER, CHECKER, OTHER = "G001", "G003", "G004"


@dataclass(repr=False)
class Phones:
    """The authenticators of the officers, by staff number; a code is read anew for every use."""

    held: dict[str, pyotp.TOTP] = field(default_factory=dict)

    def code(self, number: str, at: str) -> str:
        """What the telephone of an officer shows at a moment."""
        return self.held[number].at(datetime.fromisoformat(at))


def take_payees(stage: Stage, made: District, elders: int, days: int) -> Phones:
    """Send the registers of the allowances, and enrol the officers."""
    known = visits(made, elders=elders, days=days)
    files = write_payee_files(known, stage.settings.folder("inbox"), day_of(TAKEN[:10]), months=1)
    rows = 0
    for kind in SEND:
        taken = take_file(stage.database, at_moment(stage.settings, TAKEN), kind, files[kind][0]).taken
        rows += taken.added
        tell(stage.console, say(f"导入 {files[kind][0].name}: {taken.added} 行", f"took in {kind}: {taken.added} rows"))
    taken_in = {elder.id_number for elder in known.elders}
    stage.take("elder", f"{JUST_COME}T06:30:00+08:00", [_newcomer(made, taken_in)])
    phones = _enrol(stage, made.seed)
    did = say("账户、资格认证、预算入库；工作人员绑定动态口令", "accounts, certifications, budget; staff enrolled")
    told = say(f"{rows} 行，{len(phones.held)} 人", f"{rows} rows, {len(phones.held)} officers")
    stage.note("import", did, told, short(stage.settings.folder("inbox")), good=rows > 0 and len(phones.held) >= 4)
    return phones


def _newcomer(made: District, taken: set[str]) -> dict[str, Any]:
    """Somebody of 80 or more who applies on the day on which March is planned: too late for it."""
    today = day_of(JUST_COME)
    people = make_elders(made.seed + 1, 400, made.centres, today, 1)
    one = next(each for each in people if each.id_number not in taken and age_on(each.birth_date, today) > 80)
    names = ("id_number", "name", "subdistrict", "community", "tier")
    return {**{name: getattr(one, name) for name in names}, "hukou": "district", "registered_on": today}


def _enrol(stage: Stage, seed: int) -> Phones:
    phones, chosen = Phones(), at_moment(stage.settings, TAKEN)
    for one in make_staff(seed):
        values = {name: getattr(one, name) for name in ("number", "name", "role", "phone", "email")}
        staff_desk.add(stage.database, chosen, values)
        waiting = staff_desk.begin_enrolment(stage.database, chosen, one.number)
        phones.held[one.number] = pyotp.TOTP(waiting.secret)
        staff_desk.finish_enrolment(stage.database, chosen, waiting, phones.code(one.number, TAKEN))
    return phones
