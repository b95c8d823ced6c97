"""Sending again what came back: whose account was corrected since -> a list of their own -> approval, as any list.

A payment that is unknown is never sent again; one that came back goes to the same account only if a person names it.
"""

import secrets
from collections.abc import Collection
from contextlib import suppress

from sqlmodel import Session

from flows.intake_store import Overtaken, one_transaction
from flows.jobs import Result
from flows.settings import Settings
from models import audit
from models.allowance_plan import open_batch
from models.db import Database
from models.district import district_id
from models.payments import Waiting, move_to, returned
from models.staff import maker_of
from models.staging import Raced
from rules.refs import new_ref

JOB = "allowance-reissue"


def reissue(
    database: Database, settings: Settings, programme: str, staff: str | None, same_account: Collection[str] = ()
) -> Result:
    """Put returned payments on a new list; without a maker only say who waits.

    Args:
        database: the truth.
        settings: district and clock.
        programme: whose payments.
        staff: number of who puts the list forward; None to look only.
        same_account: keys of payments to send again to the account they came back from.

    Returns:
        the new list's reference or None, and the payments that wait, with whether they are ready.
    """
    with database.read() as session:
        district = district_id(session, settings.district)
        waiting = returned(session, district, programme, settings.today())
    ready = [each for each in waiting if each.corrected or each.key in same_account]
    made = None
    if ready and staff is not None:
        with suppress(Overtaken), one_transaction(database) as session:
            maker = maker_of(session, district, staff, settings.today())
            made = _list(session, settings, programme, maker, ready)
    listed = [{"payment": w.key, "elder": w.ref, "period": w.period, "fen": w.fen, "reason": w.reason} for w in waiting]
    ready_keys = {each.key for each in ready}
    return {
        "programme": programme,
        "batch": made,
        "people": len(ready) if made else 0,
        "fen": sum(each.fen for each in ready) if made else 0,
        "waiting": [{**row, "ready": row["payment"] in ready_keys} for row in listed],
    }


def _list(session: Session, settings: Settings, programme: str, maker: int, ready: list[Waiting]) -> str:
    """Make the list, of all or, if another run takes some of them at this moment, not at all."""
    district, period, now = district_id(session, settings.district), max(w.period for w in ready), settings.now()
    ref = new_ref("B", secrets.randbits)
    number = open_batch(session, ref, district, programme, period, "reissue", now, JOB, maker=maker)
    moved = move_to(session, [each.entitlement_id for each in ready], number, now, f"staff:{maker}")
    if moved != len(ready):
        raise Raced
    told = {"batch": ref, "people": moved, "fen": sum(each.fen for each in ready), "maker": maker}
    audit.record(session, settings.district, JOB, "allowance.reissue", now, **told)
    return ref
