"""The approval sheet 审批表: a list as it is now -> its sums, the cycle before, what to look at -> xlsx with its code.

It goes to every approver once for each content of the list, and holds references only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from flows.settings import Settings
from models import approvals
from models.allowance_figures import (
    Group,
    Head,
    Payee,
    budget_of,
    cycle_before,
    excluded,
    groups_of_cycle,
    groups_of_list,
    head,
    payees,
    total,
)
from models.district import community_labels, district_id
from policies.allowances import allowances, tariff
from rules.allowance_refusals import NoList
from rules.allowances import approvers_needed, confirmation_code, content_hash, shared_cards
from rules.errors import LANGUAGE, say
from rules.periods import period_name


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list as its approvers are to see it."""

    head: Head
    content: str
    groups: Sequence[Group]
    before: Sequence[Group]
    before_period: str | None
    payees: Sequence[Payee]
    excluded: Sequence[tuple[str, int, int]]
    budgets: Mapping[str, int | None]
    needed: int
    places: Mapping[int, str]
    bands: Mapping[str, str]

    @property
    def code(self) -> str:
        """The confirmation code of this content."""
        return confirmation_code(self.content)

    @property
    def exceptions(self) -> list[tuple[str, str, str]]:
        """What to look at before approving: kind, reference, remark."""
        found = []
        for group in shared_cards((each.ref, each.card) for each in self.payees):
            others = say("、", ", ").join(group)
            found += [(say("共用账户", "shared account"), ref, others) for ref in group]
        for each in self.payees:
            if not each.card:
                found.append((say("没有账户", "no account"), each.ref, ""))
            if each.period != self.head.period:
                found.append((say("补发", "back-pay"), each.ref, period_said(each.period)))
            if each.proxy_until is not None:
                told = say(f"代领至 {each.proxy_until}", f"proxy until {each.proxy_until}")
                found.append((say("代领", "proxy"), each.ref, told))
        return found


def read_sheet(session: Session, settings: Settings, ref: str) -> Sheet:
    """Read a list as it is now.

    Raises:
        NoList: there is none of this reference.
    """
    district = district_id(session, settings.district)
    top = head(session, district, ref)
    if top is None:
        raise NoList(ref)
    groups = groups_of_list(session, top.id)
    before = cycle_before(session, district, top.programme, top.as_of) if top.as_of else None
    policy = allowances(settings.today(), settings.policy)
    notice = tariff(top.programme, top.as_of or settings.today(), settings.policy)
    return Sheet(
        head=top,
        content=content_hash(approvals.content(session, top.id, settings.today())),
        groups=groups,
        before=groups_of_cycle(session, before[0]) if before else [],
        before_period=before[1] if before else None,
        payees=payees(session, top.id, settings.today()),
        excluded=excluded(session, top.cycle_id) if top.cycle_id and top.kind == "plan" else [],
        budgets={
            period: budget_of(session, district, top.programme, period)
            for period in sorted({group.period for group in groups})
        },
        needed=approvers_needed(total(groups).fen, policy.approvers),
        places=community_labels(session, district),
        bands={band.code: say(band.zh, band.en) for band in notice.bands},
    )


def period_said(period: str) -> str:
    """Say a period in the language of this run."""
    return period_name(period, LANGUAGE.get())
