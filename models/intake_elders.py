"""Elders from their register: a batch -> who is known by ID number -> new, changed or as before -> staged -> poured.

The register's parser has normalised the ID number (rules/identity.py), which decides birth date and sex. Columns the
file lacks are kept. A changed tier or community begins on the day of the import; nothing of the past is rewritten.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Date, Integer, LargeBinary, String, and_, insert, literal, select, update
from sqlmodel import Session, col

from models.db import Instant, insert_for, keys_of
from models.elder import Elder, ElderCategory, ElderStatus, ElderTier, id_index
from models.elder_known import Known, fresh_elder_refs, known_elders
from models.helper import drawn_refs
from models.intake import Refused, Scope, Taken, differing
from models.intake_communities import Communities, Home
from models.intake_elder_checks import check_identity, check_new, check_registered, check_same_person, named, person_of
from models.seal import KeyRing
from models.staging import Staging, fill, insert_all
from rules.identity import Identity
from rules.registers import Row

TEXTS = ("name", "phone", "address", "emergency_name", "emergency_phone")
_PLAIN = ("building", "hukou", "registered_on")
_KEPT = ("name", "registered_on")  # a blank cell leaves them as they are
_STALE = (
    "社区是迁居之前的，仍按迁居登记；若确已迁回，请用状态变更表登记",
    "the community is that from before a recorded move, which stands; record a move back in the status register",
)
_TABLE = ("ref", "id_number", "id_index", *TEXTS, "sex", "birth_date", "community_id", *_PLAIN)


class ElderIntake:
    """One file of the elder register on its way in."""

    def __init__(self, staging: Staging, scope: Scope) -> None:
        self.taken = Taken()
        self._staging, self._scope = staging, scope
        self._drawn: set[str] = set()
        self._rows: dict[int, int] = {}
        with staging.read() as session:
            self._communities = Communities(session, scope)
        sealed = [Column(name, LargeBinary) for name in ("id_number", "id_index", *TEXTS)]
        dates = [Column(name, Date) for name in ("birth_date", "registered_on")]
        words = [Column(name, String) for name in ("ref", "sex", "building", "hukou", "subdistrict", "community")]
        ids = [Column(name, Integer) for name in ("id", "community_id")]
        self._elders = staging.table("staged_elder", *ids, *words, *sealed, *dates)
        self._tiers = staging.table("staged_tier", *_words("ref", "tier"), Column("since", Date))
        self._categories = staging.table("staged_category", *_words("ref", "category"), Column("ended", Boolean))
        homes = [Column("community_id", Integer), *_words("ref", "subdistrict", "community")]
        self._moves = staging.table("staged_move", *homes)

    def take(self, rows: Sequence[Row]) -> None:
        """Compare one batch with what is stored and stage what differs."""
        with self._staging.read() as session:
            known = known_elders(
                session, self._scope.district, {n for row in rows for n in named(row)}, self._scope.today
            )
            strangers = sum(str(row.values["id_number"]) not in known for row in rows)
            batch = _Batch(self._scope, keys_of(session), iter(fresh_elder_refs(session, strangers, self._drawn)))
            for row in rows:
                try:
                    self._one(row, person_of(self._scope, row, known), batch)
                except Refused as refusal:
                    self.taken.errors.append(refusal.error)
            for table, staged in ((self._elders, batch.elders), (self._tiers, batch.tiers)):
                fill(session, table, staged)
            for table, staged in ((self._categories, batch.categories), (self._moves, batch.moves)):
                fill(session, table, staged)

    def _one(self, row: Row, elder: Known | None, batch: "_Batch") -> None:
        person = check_identity(self._scope, row)
        if person is not None and person.warnings:
            self.taken.doubt(
                ("身份证号的地区代码不在名录中", "no province has the area code of the ID number"), row.number
            )
        home = self._communities.home(row)
        if elder is None:
            assert person is not None
            check_registered(self._scope, row, person.birth_date)
            check_new(self._scope, row, home)
            batch.add(row, person, home, self._communities.id_of(home))
            self.taken.add()
            return
        if (first := self._rows.setdefault(elder.id, row.number)) != row.number:
            problem = (f"与第 {first} 行是同一位老人", f"the same elder as in row {first}")
            raise Refused(self._scope.wrong(row, "id_number", problem, ("请只保留一行", "keep only one of them")))
        check_registered(self._scope, row, person.birth_date if person else elder.columns["birth_date"])
        if home == self._communities.names_of(elder.community_id) or self._stale(row, elder, home):
            home = None
        changed = batch.change(row, elder, person, home, self._communities.id_of(home))
        self.taken.compare(row, elder.ref, changed)

    def _stale(self, row: Row, elder: Known, home: Home | None) -> bool:
        """Tell whether a row repeats where the elder lived before a move that the status register has recorded."""
        stale = home is not None and self._communities.id_of(home) in elder.left
        if stale:
            self.taken.doubt(_STALE, row.number)
        return stale

    def settle(self) -> None:
        """Nothing is left to decide: each row has been."""

    def pour(self, session: Session) -> None:
        """Make new communities, elders, changes, tiers, categories and moves real."""
        scope, staged = self._scope, self._elders
        self._found_communities(session)
        values = {name: staged.c[name] for name in _TABLE}
        constants = {"district_id": literal(scope.district), "recorded_at": literal(scope.now, Instant)}
        fresh = select(*values.values(), *constants.values()).where(staged.c.id.is_(None)).order_by(staged.c.row)
        names = [*values, *constants]
        insert_all(session, Elder, names, fresh, self.taken.added)
        changing = {name: staged.c[name] for name in _TABLE if name not in {"ref", "community_id"}}
        session.execute(update(Elder).where(col(Elder.id) == staged.c.id).values(changing))
        self._pour_rows(session)

    def _pour_rows(self, session: Session) -> None:
        scope, tiers, moves = self._scope, self._tiers, self._moves
        by = (literal(scope.now, Instant), literal(scope.actor))
        graded = select(col(Elder.id), tiers.c.since, tiers.c.tier, *by).join(tiers, tiers.c.ref == col(Elder.ref))
        session.execute(insert(ElderTier).from_select(["elder_id", "since", "tier", "recorded_at", "actor"], graded))
        moved = select(
            col(Elder.id), literal(scope.today), literal("MOVED"), moves.c.community_id, literal("elder"), *by
        ).join(moves, moves.c.ref == col(Elder.ref))
        names = ["elder_id", "since", "status", "community_id", "source", "recorded_at", "actor"]
        session.execute(insert(ElderStatus).from_select(names, moved))
        self._pour_categories(session)

    def _pour_categories(self, session: Session) -> None:
        staged, today = self._categories, literal(self._scope.today)
        mine = select(literal(1)).where(
            staged.c.ended, staged.c.category == col(ElderCategory.category), staged.c.ref == col(Elder.ref),
            col(Elder.id) == col(ElderCategory.elder_id),
        )  # fmt: skip
        standing = col(ElderCategory.ended_on).is_(None)
        if self.taken.changed:
            session.execute(update(ElderCategory).where(and_(standing, mine.exists())).values(ended_on=today))
        named = select(col(Elder.id), staged.c.category, today).join(staged, staged.c.ref == col(Elder.ref))
        names = ["elder_id", "category", "since"]
        begun = insert_for(session, ElderCategory).from_select(names, named.where(~staged.c.ended))
        session.execute(begun.on_conflict_do_nothing())

    def _found_communities(self, session: Session) -> None:
        self._communities.found(session, drawn_refs("S", len(self._communities.new)))
        for home in self._communities.new:
            number = self._communities.id_of(home)
            for table in (self._elders, self._moves):
                here = (table.c.community_id.is_(None), table.c.subdistrict == home[0], table.c.community == home[1])
                session.execute(update(table).where(*here).values(community_id=number))


def _words(*names: str) -> list[Column[Any]]:
    return [Column(name, String) for name in names]


class _Batch:
    """Rows for the temporary tables, sealed."""

    def __init__(self, scope: Scope, keys: KeyRing, refs: Any) -> None:
        self._scope, self._keys, self._refs = scope, keys, refs
        self.elders: list[dict[str, Any]] = []
        self.tiers: list[dict[str, Any]] = []
        self.categories: list[dict[str, Any]] = []
        self.moves: list[dict[str, Any]] = []

    def add(self, row: Row, person: Identity, home: Home | None, community_id: int | None) -> None:
        """Stage a new elder."""
        given, ref = row.values, next(self._refs)
        since = given.get("registered_on") or self._scope.today
        texts = {name: self._seal(name, ref, given.get(name)) for name in TEXTS}
        plain = {"building": given.get("building") or "", "hukou": given.get("hukou"), "registered_on": since}
        self._stage(row, None, ref, {**self._identity(ref, person), **texts, **plain}, home, community_id)
        self.tiers.append({"row": row.number, "ref": ref, "tier": given["tier"], "since": since})
        self._categories(row, ref, _categories_of(row), frozenset())

    def change(
        self, row: Row, elder: Known, person: Identity | None, home: Home | None, community_id: int | None
    ) -> list[str]:
        """Stage what a row changes of a known elder and return the names of the columns; `home` is another one."""
        given, ref = row.values, elder.ref
        now = {name: self._keys.open(f"elder.{name}", ref, elder.columns[name]) for name in TEXTS if name in given}
        now |= {name: elder.columns[name] for name in _PLAIN}
        told = [n for n in differing(row, now, (*TEXTS, *_PLAIN)) if n not in _KEPT or given[n] is not None]
        columns = dict(elder.columns)
        columns |= {name: self._seal(name, ref, given[name]) for name in told if name in TEXTS}
        columns |= {name: given[name] for name in told if name in _PLAIN}
        columns["building"] = columns["building"] or ""
        if person is not None and id_index(self._keys, person.number) != columns["id_index"]:
            check_same_person(self._scope, row, self._keys.open("elder.name", ref, elder.columns["name"]))
            columns |= self._identity(ref, person)
            told.append("id_number")
        if told:
            self._stage(row, elder.id, ref, columns, None, elder.community_id)
        if given.get("tier") not in {None, elder.tier}:
            told.append("tier")
            self.tiers.append({"row": row.number, "ref": ref, "tier": given["tier"], "since": self._scope.today})
        if home is not None:
            told.append("community")
            place = {"community_id": community_id, "subdistrict": home[0], "community": home[1]}
            self.moves.append({"row": row.number, "ref": ref, **place})
        if "categories" in given and _categories_of(row) != elder.categories:
            told.append("categories")
            self._categories(row, ref, _categories_of(row), elder.categories)
        return told

    def _stage(
        self, row: Row, number: int | None, ref: str, columns: dict[str, Any], home: Home | None, community: int | None
    ) -> None:
        office, name = home or (None, None)
        place = {"community_id": community, "subdistrict": office, "community": name}
        kept = {n: columns[n] for n in _TABLE if n not in {"ref", "community_id"}}
        self.elders.append({"row": row.number, "id": number, "ref": ref, **kept, **place})

    def _identity(self, ref: str, person: Identity) -> dict[str, Any]:
        index, sealed = id_index(self._keys, person.number), self._seal("id_number", ref, person.number)
        return {"id_number": sealed, "id_index": index, "sex": person.sex, "birth_date": person.birth_date}

    def _categories(self, row: Row, ref: str, named: frozenset[str], before: frozenset[str]) -> None:
        for category in sorted(named ^ before):
            ended = category in before
            self.categories.append({"row": row.number, "ref": ref, "category": category, "ended": ended})

    def _seal(self, name: str, ref: str, value: object) -> bytes | None:
        return self._keys.seal(f"elder.{name}", ref, str(value or ""))


def _categories_of(row: Row) -> frozenset[str]:
    given = row.values.get("categories") or ()
    assert isinstance(given, tuple)
    return frozenset(given)
