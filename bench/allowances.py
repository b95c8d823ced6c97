"""Allowances: planning a cycle beside one statement by hand, then the list's files, their release, the bank's answer.

Planning: ours is flows/allowance_plan.py, claim and audit included; the floor (bench/allowances_floor.py) decides in
one statement and stores with INSERT..SELECT. Each starts from a copy of the same database, and the bench fails unless
both wrote the same entitlements and exclusions. A replay must add none.

After it, on the same database: the list is marked approved (the approval itself is timed as the hash it binds), every
payment goes into a bank file and out to the folder, and the bank's answer, two in a hundred returned, comes in as csv
files. Telling payees is the outbox's figure. Growth is of PostgreSQL, the exponent that of CPU from the size before.

Bank files alone: 100,000 made-up lines of one list, written and read back, by the form of each format.
"""

import csv
import hashlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlmodel import Session, col

from bench.allowances_floor import plan_by_hand
from bench.databases import Store, store
from bench.elders import longest_write
from bench.intake import child_watched
from bench.money_town import AS_OF, PLANNED, create, people
from bench.timing import Cost, Line, best, mb, measured, power, ratio
from flows.allowance_plan import plan
from flows.allowance_release import release_list, send_files
from flows.bank_files import bank_bytes
from flows.intake import take_file
from flows.settings import Settings
from models import approvals, ledger
from models.allowance import AllowanceBatch, AllowanceBudget, Entitlement, Exclusion
from models.allowance_facts import candidates
from models.db import Database
from models.district import district_id
from models.payment import Payment
from models.staff import add_staff, maker_of
from policies.allowances import allowances, tariff
from rules.allowances import content_hash, decide
from rules.bank import BankForm, PayLine, PayList, file_key

PROGRAMME, PERIOD = "longevity", "2026-10"
PLAN, RELEASE, ANSWER = "2026-10-10T09:00", "2026-10-20T10:00", "2026-10-21T15:00"
BAR, MEMORY, FILE_LINES, ANSWERED = 2, 1000, 100_000, 100_000
QUICK = (("PostgreSQL", 7_000), ("PostgreSQL", 28_000))
FULL = (("SQLite", 160_000), ("PostgreSQL", 70_000), ("PostgreSQL", 700_000), ("PostgreSQL", 7_000_000))
_WRITTEN = (
    "SELECT person, elder_id, community_id, band, fen, version, notice, period FROM entitlement ORDER BY elder_id",
    "SELECT elder_id, community_id, band, reason FROM exclusion ORDER BY elder_id",
)


def figures(*, quick: bool) -> list[Line]:
    """Measure bank files, then each size on its database."""
    lines = list(_bank_files(FILE_LINES // 10 if quick else FILE_LINES))
    grown: dict[int, dict[str, Cost]] = {}
    for kind, elders in QUICK if quick else FULL:
        lines += sized(kind, elders, grown)
    return [*lines, *_growth(grown)]


def sized(kind: str, elders: int, grown: dict[int, dict[str, Cost]]) -> list[Line]:
    """Make a district of this size and take one cycle through it."""
    with store(kind) as here:
        create(here, "district")
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as apart:
            apart.submit(people, here.settings("district", PLAN), elders).result()
        lines = list(_figures(here, elders))
    if kind == "PostgreSQL":
        grown[elders] = {line.job.strip(): line.ours for line in lines if isinstance(line.ours, Cost)}
    return lines


def _figures(here: Store, elders: int) -> Iterator[Line]:
    by_hand, ours = [], []
    rounds = 1 if elders > 1_000_000 else 2
    for turn in range(rounds):
        with here.copied("district") as (_, database):
            notice, at = tariff(PROGRAMME, AS_OF), datetime(2026, 10, 10, 1, tzinfo=UTC)
            order = partial(plan_by_hand, database, here.settings("district").district, notice, PERIOD, at)
            by_hand.append(measured(order, here.server)[0])
            wanted = _written(database)
        with here.copied("district") as (copy, database):
            chosen = here.settings(copy, PLAN)
            with longest_write(database) as longest:
                cost, told = measured(partial(plan, database, chosen, PROGRAMME, PERIOD), here.server)
            ours.append(cost)
            assert _written(database) == wanted, "the floor wrote something else"
            if turn == rounds - 1:
                mine, theirs = best(ours), best(by_hand)
                size = f"{here.kind}, {told['entitled']:,} entitled, {told['excluded']:,} excluded of {elders:,}"
                did = f"{size}; longest transaction {longest[0]:.1f} s"
                yield Line("plan", did, mine, theirs, ratio(mine, theirs, wall=True), str(BAR), mb(mine))
                yield from _afterwards(here, database, copy, told)


def _afterwards(here: Store, database: Database, copy: str, told: dict[str, Any]) -> Iterator[Line]:
    size = f"{here.kind}, {told['entitled']:,} payments"
    before = _written(database)
    cost, again = measured(partial(plan, database, here.settings(copy, PLAN), PROGRAMME, PERIOD), here.server)
    assert again["already"]
    assert _written(database) == before, "a replay added rows"
    yield Line("  replay", f"{size}; 0 rows added", cost)
    yield Line("  decide", *_decided(database, here.settings(copy, PLAN)))
    batch = told["batch"]
    _announce(database, here.settings(copy, RELEASE), batch)
    cost, digest = measured(partial(_hash, database, here.settings(copy, RELEASE), batch), here.server)
    yield Line("  hash of the list", _a_second(size, told["entitled"], cost), cost, memory=mb(cost))
    _approve(database, here.settings(copy, RELEASE), batch, digest)
    for job, work, moment in (("release", partial(release_list, ref=batch), RELEASE), ("send", send_files, RELEASE)):
        with longest_write(database) as longest:
            cost, _ = measured(partial(work, database, here.settings(copy, moment)), here.server)
        did = f"{_a_second(size, told['entitled'], cost)}; longest transaction {longest[0]:.1f} s"
        yield Line(f"  {job}", did, cost, bar=f"{MEMORY} MB", memory=mb(cost))
    yield _reconciled(here, database, copy, size, told["entitled"])


def _written(database: Database) -> list[str]:
    """Digests of all entitlements and all exclusions."""
    digests = []
    with database.read() as session:
        for query in _WRITTEN:
            digest = hashlib.sha256()
            rows = session.connection().execute(text(query).execution_options(yield_per=20_000))
            for row in rows:
                digest.update(
                    repr([bytes(each).hex() if isinstance(each, bytes) else str(each) for each in row]).encode()
                )
            digests.append(digest.hexdigest())
        digests += [str(session.scalar(select(func.count()).select_from(each))) for each in (Entitlement, Exclusion)]
    return digests


def _decided(database: Database, chosen: Settings) -> tuple[str, Cost]:
    notice = tariff(PROGRAMME, AS_OF)
    with database.read() as session:
        found = candidates(session, district_id(session, chosen.district), notice, AS_OF, PLANNED)
        persons = [one.person for one in islice(found, 100_000)]
    costs = [measured(lambda: [decide(each, notice, PERIOD, AS_OF) for each in persons])[0] for _ in range(3)]
    cost = best(costs)
    return f"{len(persons):,} persons, {cost.cpu_s / len(persons) * 1e6:.1f} us each", cost


def _announce(database: Database, chosen: Settings, batch: str) -> None:
    """What the notice leaves behind: a maker, and the list's objection window, over."""
    person = {"name": "王会计", "phone": "", "email": ""}
    with database.write() as session:
        mine = district_id(session, chosen.district)
        add_staff(session, mine, "T-M1", {"number": "M1", "role": "both", **person})
        maker = maker_of(session, mine, "M1", chosen.today())
        shown = {"state": "notice", "maker_id": maker, "notice_from": PLANNED, "notice_until": date(2026, 10, 19)}
        session.execute(update(AllowanceBatch).where(col(AllowanceBatch.ref) == batch).values(shown))


def _hash(database: Database, chosen: Settings, ref: str) -> str:
    with database.read() as session:
        return content_hash(approvals.content(session, _batch(session, chosen, ref).id, chosen.today()))


def _batch(session: Session, chosen: Settings, ref: str) -> approvals.Batch:
    found = approvals.find_batch(session, district_id(session, chosen.district), ref)
    assert found is not None
    return found


def _approve(database: Database, chosen: Settings, ref: str, digest: str) -> None:
    """What the last approver's yes leaves behind: the budget's money committed, the hash bound."""
    with database.write() as session:
        batch, now = _batch(session, chosen, ref), chosen.now()
        for cycle, amount in approvals.amounts(session, batch.id).items():
            row = {"district_id": 1, "programme": PROGRAMME, "period": PERIOD, "fen": 10**12, "recorded_at": now}
            session.execute(insert(AllowanceBudget).values(**row, actor="bench"))
            ledger.book_budget(session, cycle, now, "bench")
            ledger.book(session, cycle, "commit", amount, f"{ref}/1", now, "bench")
        approved = {"state": "approved", "content_hash": digest}
        session.execute(update(AllowanceBatch).where(col(AllowanceBatch.id) == batch.id).values(approved))


def _reconciled(here: Store, database: Database, copy: str, size: str, count: int) -> Line:
    files = list(_answers(database, here.folder))
    chosen = here.settings(copy, ANSWER)
    with child_watched() as peak, longest_write(database) as longest:
        cost, added = measured(partial(_take, database, chosen, files), here.server)
    assert added == count
    did = f"{_a_second(size, count, cost)}, {len(files)} files; longest transaction {longest[0]:.1f} s"
    return Line("  reconcile", did, cost, bar=f"{MEMORY} MB", memory=f"{mb(cost)} + child {peak[0]} MB")


def _take(database: Database, chosen: Settings, files: Sequence[Path]) -> int:
    return sum(take_file(database, chosen, "bank-return", each).taken.added for each in files)


def _answers(database: Database, folder: Path) -> Iterator[Path]:
    """Write what the bank answers, two in a hundred returned."""
    columns = (col(Payment.key), col(Payment.fen), col(Payment.id))
    query = select(*columns).order_by(col(Payment.id)).execution_options(yield_per=20_000)
    with database.read() as session:
        rows = iter(session.execute(query))
        number = 0
        while some := list(islice(rows, ANSWERED)):
            number += 1
            path = folder / f"answer{number}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("key", "fen", "result", "reason", "booked_on"))
                for key, fen, place in some:
                    back = (place or 0) % 50 == 0
                    writer.writerow(
                        (key, fen, "returned" if back else "paid", "账号已销户" if back else "", "2026-10-21")
                    )
            yield path


def _bank_files(count: int) -> Iterator[Line]:
    for form in _forms():
        lines = [
            PayLine(
                file_key("F-7K3Q-9XM1", n), "王桂兰", f"62220200{n:010d}", "", 8000 + n % 100, "高龄保健金2026年10月"
            )
            for n in range(1, count + 1)
        ]
        listed = PayList("F-7K3Q-9XM1", datetime(2026, 10, 20, 2, tzinfo=UTC), date(2026, 10, 20), lines)
        work = partial(bank_bytes, listed, form)
        rounds: Sequence[tuple[Cost, bytes]] = [measured(work) for _ in range(2)]
        cost = best([each for each, _ in rounds])
        yield Line(f"bank file, {form.format}", _a_second(f"{count:,} lines", count, cost), cost, memory=mb(cost))


def _forms() -> list[BankForm]:
    """The policy's own csv form, and the same columns as a workbook; pain.001 has none."""
    form = replace(allowances(PLANNED).bank, lines_per_file=1_000_000)
    return [
        form,
        replace(form, format="xlsx", file_name="DF_{ref}.xlsx"),
        replace(form, format="pain.001", file_name="DF_{ref}.xml", columns=(), totals=()),
    ]


def _a_second(size: str, rows: int, cost: Cost) -> str:
    return f"{size}, {rows / cost.cpu_s:,.0f} a CPU second, {rows / cost.wall_s:,.0f} a second"


def _growth(grown: dict[int, dict[str, Cost]]) -> Iterator[Line]:
    """Say by which power of the elders each job's CPU grew."""
    for before, after in pairwise(sorted(grown)):
        for job in ("plan", "hash of the list", "release", "send", "reconcile"):
            growth = power(grown[before][job], grown[after][job], after / before)
            yield Line(f"  growth of {job}", f"{before:,} to {after:,} elders", "", growth=growth)
