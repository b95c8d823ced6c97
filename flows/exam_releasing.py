"""Releases of exams as Prefect runs them: the form's values -> put forward, approved -> a page of counts.

What a run returns has no code of the sheet and no reason in it, for Prefect shows references and counts only.
"""

from typing import Any

from prefect import flow

from flows import fields
from flows.allowance_approve import Yes
from flows.districts import by_district
from flows.exam_release import approve, diff, put_forward
from flows.exam_shown import show_forward, show_release
from flows.failures import ONCE, safely
from flows.settings import settings
from flows.store import opened

Result = dict[str, Any]
_COUNTS = ("exam", "version", "students", "held", "missing", "despite_held", "approvers", "messages", "compared",
           "waiting", "changes")  # fmt: skip


@flow(name="exam-put-forward", **ONCE)
@by_district
@safely
def exam_put_forward(
    exam: fields.ExamCode,
    staff: fields.StaffNumber,
    reason: fields.ReleaseReason = None,
    despite_held: fields.DespiteHeld = False,
) -> Result:
    """Put an exam forward for release as its maker, and send the sheet to the approvers.

    Args:
        exam: its code.
        staff: the maker's number.
        reason: why; needed from the second release on.
        despite_held: go on though rows are held out or schools sent nothing.
    """
    chosen = settings()
    with opened(chosen) as database:
        told = put_forward(database, chosen, exam, staff, reason or "", despite_held=despite_held)
    result = {name: told[name] for name in _COUNTS}
    show_forward(result)
    return result


@flow(name="exam-release", **ONCE)
@by_district
@safely
def exam_release(
    exam: fields.ExamCode,
    staff: fields.StaffNumber,
    confirmation: fields.Confirmation,
    code: fields.OneTimeCode,
) -> Result:
    """Release what was put forward: staff number, the sheet's confirmation code, the authenticator's one-time code.

    Args:
        exam: its code.
        staff: the approver's number.
        confirmation: the code of the content that was read.
        code: the one-time code.
    """
    chosen = settings()
    with opened(chosen) as database:
        told = approve(database, chosen, exam, Yes(staff, confirmation, code.get_secret_value(), "form"))
        version = told["version"]
        moved = diff(database, chosen, exam, version - 1, version, check=False)["changes"] if version > 1 else []
    result = {name: told[name] for name in ("exam", "version", "students", "already")} | {"changes": moved}
    show_release(result)
    return result
