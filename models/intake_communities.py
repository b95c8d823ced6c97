"""The community 社区 a row names: known -> its id; new in a known sub-district -> made; anything else -> refused."""

from collections.abc import Iterable, Mapping

from sqlmodel import Session

from models.district import communities, ensure_places, office_names
from models.intake import Refused, Scope
from rules.registers import Row

Home = tuple[str, str]
"""Names of sub-district and community."""


class Communities:
    """The communities of a district as a file sees them; those it founds have no id before `found`."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self._scope = scope
        self._known = communities(session, scope.district)
        self._offices = office_names(session, scope.district)
        self._ids = {(office, name): number for name, homes in self._known.items() for office, number in homes.items()}
        self._names = {number: home for home, number in self._ids.items()}
        self.new: set[Home] = set()

    def home(self, row: Row) -> Home | None:
        """Return the community a row names, None if it names none.

        Raises:
            Refused: unknown without a known sub-district, or one of several namesakes.
        """
        name = row.values.get("community")
        if name is None:
            return None
        office = row.values.get("subdistrict")
        homes = self._known.get(str(name), {})
        if office is None:
            return self._only(row, str(name), homes)
        if str(office) in homes:
            return str(office), str(name)
        if str(office) not in self._offices:
            problem = ("没有这个街道", "no sub-district has this name")
            remedy = ("请核对街道名称，或先导入街道登记表", "check it, or import the subdistrict register first")
            raise Refused(self._scope.wrong(row, "subdistrict", problem, remedy))
        self.new.add((str(office), str(name)))
        return str(office), str(name)

    def _only(self, row: Row, name: str, homes: Mapping[str, int]) -> Home:
        if len(homes) == 1:
            return next(iter(homes)), name
        problem = ("没有这个社区", "no community has this name")
        remedy = ("请核对社区名称；确属新社区时请同时填写街道", "check it; for a new community give its sub-district")
        if homes:
            problem = (f"{'、'.join(sorted(homes))}都有这个社区", f"{', '.join(sorted(homes))} each have one")
            remedy = ("请同时填写街道", "give the sub-district too")
        raise Refused(self._scope.wrong(row, "community", problem, remedy))

    def id_of(self, home: Home | None) -> int | None:
        """Return the id of a community, None for one that is still to be founded."""
        return None if home is None else self._ids.get(home)

    def names_of(self, number: int) -> Home:
        """Return the names behind an id."""
        return self._names[number]

    def found(self, session: Session, refs: Iterable[str]) -> None:
        """Make the new ones, in the writing transaction; `refs` are for sub-districts, of which none is new."""
        if self.new:
            self._ids |= ensure_places(session, self._scope.district, self.new, refs)
