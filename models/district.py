"""Districts 区县, sub-districts 街道, communities 社区 and the centres 养老服务中心 in them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import insert_for, keys_of
from rules.duty import Centre as DutyCentre


class District(SQLModel, table=True):
    """A city district; everything below belongs to one."""

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True, description="administrative division code, such as 530112")
    name: str


class Subdistrict(SQLModel, table=True):
    """A sub-district office 街道办; its contact hears of what a centre could not solve."""

    __table_args__ = (UniqueConstraint("district_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    ref: str = Field(unique=True)
    name: str
    phone: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    email: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")


class Community(SQLModel, table=True):
    """A residents' community 社区."""

    __table_args__ = (UniqueConstraint("subdistrict_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    subdistrict_id: int = Field(foreign_key="subdistrict.id")
    name: str


class Centre(SQLModel, table=True):
    """A community elder-care centre, where one cadre is on duty every day."""

    __table_args__ = (UniqueConstraint("district_id", "code"),)
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id", index=True)
    community_id: int = Field(foreign_key="community.id")
    code: str
    name: str
    address: str = ""
    phone: str = Field(default="", description="the centre's own line, public")
    opens_on_rest_days: bool = True


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a person or an office: opened from sealed columns, for the moment of telling only."""

    ref: str
    name: str
    phone: str
    email: str


def district_id(session: Session, code: str) -> int:
    """Return the id of a district that the database was opened for."""
    return session.exec(select(col(District.id)).where(col(District.code) == code)).one()  # type: ignore[return-value]


def ensure_district(session: Session, code: str, name: str) -> None:
    """Add the district row if it is not there yet."""
    session.execute(insert_for(session, District).values(code=code, name=name).on_conflict_do_nothing())


def centre_ids(session: Session, district: int) -> dict[str, int]:
    """Map the centre codes of a district to their ids."""
    rows = session.exec(select(col(Centre.code), col(Centre.id)).where(col(Centre.district_id) == district))
    return {code: number for code, number in rows if number is not None}


def centre_names(session: Session, district: int) -> dict[str, str]:
    """Map the centre codes of a district to their names, in the order of codes."""
    query = select(col(Centre.code), col(Centre.name)).where(col(Centre.district_id) == district)
    return dict(session.exec(query.order_by(col(Centre.code))).all())


def duty_centres(session: Session, district: int) -> list[DutyCentre]:
    """Read the centres as the duty rules want them, in the order of codes."""
    query = select(col(Centre.code), col(Centre.opens_on_rest_days)).where(col(Centre.district_id) == district)
    return [DutyCentre(code, opens) for code, opens in session.exec(query.order_by(col(Centre.code)))]


def ensure_places(
    session: Session, district: int, places: Iterable[tuple[str, str]], refs: Iterable[str]
) -> Mapping[tuple[str, str], int]:
    """Make sure (sub-district, community) pairs exist; return their community ids.

    Args:
        session: a writing session.
        district: district id.
        places: pairs of sub-district and community names.
        refs: fresh references for sub-districts that are new; as many as `places` may need.
    """
    wanted = sorted(set(places))
    supply = iter(refs)
    offices = [{"district_id": district, "name": name, "ref": next(supply)} for name in sorted({s for s, _ in wanted})]
    if offices:
        statement = insert_for(session, Subdistrict).on_conflict_do_nothing(index_elements=["district_id", "name"])
        session.execute(statement, offices)
    mine = select(col(Subdistrict.name), col(Subdistrict.id)).where(col(Subdistrict.district_id) == district)
    office_ids = dict(session.exec(mine).all())
    rows = [{"subdistrict_id": office_ids[office], "name": name} for office, name in wanted]
    if rows:
        session.execute(insert_for(session, Community).on_conflict_do_nothing(), rows)
    query = select(col(Subdistrict.name), col(Community.name), col(Community.id)).join(
        Community, col(Community.subdistrict_id) == col(Subdistrict.id)
    )
    found = session.exec(query.where(col(Subdistrict.district_id) == district))
    return {(office, name): number for office, name, number in found if number is not None}


def communities(session: Session, district: int) -> dict[str, dict[str, int]]:
    """Map the names of a district's communities to their ids by sub-district; namesakes are two."""
    query = select(col(Community.name), col(Subdistrict.name), col(Community.id)).join(
        Subdistrict, col(Subdistrict.id) == col(Community.subdistrict_id)
    )
    found: dict[str, dict[str, int]] = {}
    for name, office, number in session.execute(query.where(col(Subdistrict.district_id) == district)):
        found.setdefault(name, {})[office] = number
    return found


def community_names(session: Session, district: int) -> dict[int, tuple[str, str]]:
    """Map the ids of a district's communities to the names of sub-district and community."""
    found = communities(session, district)
    return {number: (office, name) for name, homes in found.items() for office, number in homes.items()}


def community_labels(session: Session, district: int) -> dict[int, str]:
    """Map the ids of a district's communities to what people call them; namesakes with their sub-district before it."""
    homes = community_names(session, district)
    shared = Counter(name for _, name in homes.values())
    return {number: name if shared[name] == 1 else f"{office}{name}" for number, (office, name) in homes.items()}


def office_names(session: Session, district: int) -> set[str]:
    """Return the names of a district's sub-districts."""
    return set(session.exec(select(col(Subdistrict.name)).where(col(Subdistrict.district_id) == district)).all())


def offices(session: Session, district: int) -> dict[str, Contact]:
    """Open the contact of the sub-district office behind each centre, by centre code."""
    keys = keys_of(session)
    columns = (Centre.code, Subdistrict.ref, Subdistrict.name, Subdistrict.phone, Subdistrict.email)
    query = (
        select(*map(col, columns))
        .join(Community, col(Community.id) == col(Centre.community_id))
        .join(Subdistrict, col(Subdistrict.id) == col(Community.subdistrict_id))
        .where(col(Centre.district_id) == district)
    )
    return {
        code: Contact(ref, name, keys.open("subdistrict.phone", ref, phone), keys.open("subdistrict.email", ref, email))
        for code, ref, name, phone, email in session.execute(query)
    }
