"""The floor of planning a cycle: one statement by hand decides everybody, two INSERT..SELECT store it, as one would.

It knows what the made-up district holds and no more: one notice of three bands by age, deaths that are never undone, at
most one removal and one return, at most one move inside, no categories, nobody paid elsewhere or before. Dates that
depend on the cycle alone are worked out outside. Counts, the cycle's row and the list's row are written like ours, and
entitlements in the order of persons, so that two districts which share people never wait for each other in a circle.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from bench.money_town import AS_OF, PLANNED
from models.db import Database
from models.district import district_id
from rules.allowances import Tariff

_AGO = {"postgresql": "CAST({day} - interval '{years} years' AS date)", "sqlite": "date({day}, '-{years} years')"}
_ACCOUNT = {
    "postgresql": """SELECT DISTINCT ON (elder_id) elder_id, proxy_until FROM payee_account
                     WHERE since <= :day ORDER BY elder_id, since DESC, recorded_at DESC, id DESC""",
    "sqlite": "SELECT elder_id, proxy_until, max(since) FROM payee_account WHERE since <= :day GROUP BY elder_id",
}
_DECIDED = """
CREATE TEMPORARY TABLE decided AS
WITH life AS (
  SELECT elder_id, max(CASE WHEN status = 'DEAD' THEN since END) AS died,
         max(CASE WHEN status = 'MOVED' AND community_id IS NULL AND since <= :as_of THEN since END) AS moved,
         max(CASE WHEN status = 'ACTIVE' AND since <= :as_of THEN since END) AS back,
         max(CASE WHEN since <= :as_of THEN community_id END) AS home
  FROM elder_status WHERE status IN ('DEAD', 'MOVED', 'ACTIVE') GROUP BY elder_id
), seen AS (
  SELECT certification.elder_id,
         max(CASE WHEN died IS NULL OR certified_on <= died THEN certified_on END) AS certified
  FROM certification LEFT JOIN life ON life.elder_id = certification.elder_id GROUP BY certification.elder_id
), account AS ({account}), known AS (
  SELECT elder.id, id_index, coalesce(home, community_id) AS community, birth_date AS born, hukou, registered_on,
         died, CASE WHEN back IS NULL OR moved > back THEN moved END AS moved, certified,
         account.elder_id AS account, proxy_until,
         CASE WHEN died < :as_of THEN died ELSE CAST(:as_of AS {date}) END AS day
  FROM elder LEFT JOIN life ON life.elder_id = elder.id LEFT JOIN seen ON seen.elder_id = elder.id
       LEFT JOIN account ON account.elder_id = elder.id
  WHERE district_id = :district AND birth_date <= :youngest
), banded AS (
  SELECT known.*, CASE {bands} END AS band FROM known
)
SELECT id AS elder, id_index AS person, community, band,
       CASE WHEN died < :first THEN 'dead' WHEN moved <= day THEN 'moved_out' WHEN hukou = 'other' THEN 'hukou_other'
            WHEN registered_on > :as_of THEN 'not_applied' WHEN hukou IS NULL THEN 'hukou_unknown'
            WHEN certified IS NULL OR certified < :covered THEN 'not_certified' WHEN account IS NULL THEN 'no_account'
            WHEN proxy_until < :day THEN 'proxy_expired' END AS reason
FROM banded WHERE band IS NOT NULL
"""
_ENTITLED = """
INSERT INTO entitlement (cycle_id, batch_id, programme, period, person, elder_id, community_id, band, fen, version,
                         notice, state)
SELECT 1, 1, :programme, :period, person, elder, community, band, CASE band {fens} END, CAST(:since AS {date}), :notice,
       'live'
FROM decided WHERE reason IS NULL ORDER BY person
"""
_EXCLUDED = """
INSERT INTO exclusion (cycle_id, elder_id, community_id, band, reason, recorded_at)
SELECT 1, elder, community, band, reason, :at FROM decided WHERE reason IS NOT NULL ORDER BY elder
"""
_CYCLE = """
INSERT INTO allowance_cycle (id, district_id, programme, period, as_of, version, notice, registered, entitled, excluded,
                             not_of_age, opened_at, opened_by)
SELECT 1, :district, :programme, :period, :as_of, :since, :notice, registered, entitled, excluded,
       registered - entitled - excluded, :at, 'floor'
FROM (SELECT (SELECT count(*) FROM elder WHERE district_id = :district) AS registered,
             (SELECT count(*) FROM decided WHERE reason IS NULL) AS entitled,
             (SELECT count(*) FROM decided WHERE reason IS NOT NULL) AS excluded) AS counts
"""
_LIST = """
INSERT INTO allowance_batch (id, ref, district_id, programme, period, number, kind, state, created_at, created_by)
VALUES (1, 'B-0000-0001', :district, :programme, :period, 1, 'plan', 'planned', :at, 'floor')
"""


def plan_by_hand(database: Database, district: str, notice: Tariff, period: str, at: datetime) -> None:
    """Decide and store a cycle in one transaction."""
    bands = sorted(notice.bands, key=lambda band: -(band.age or 0))
    with database.write() as session:
        connection = session.connection()
        days = {
            "as_of": AS_OF, "day": PLANNED, "first": AS_OF.replace(day=1), "since": notice.since,
            "youngest": AS_OF.replace(year=AS_OF.year - (bands[-1].age or 0)),
            "covered": date(AS_OF.year - 1, AS_OF.month, 1),
        }  # fmt: skip
        said: dict[str, Any] = {
            **{name: day if _postgres(connection) else day.isoformat() for name, day in days.items()},
            "district": district_id(session, district), "programme": notice.programme, "period": period,
            "notice": notice.notice, "at": at if _postgres(connection) else f"{at:%Y-%m-%d %H:%M:%S.%f}",
        }  # fmt: skip
        ago = _AGO[connection.dialect.name]
        words = {
            "account": _ACCOUNT[connection.dialect.name], "date": "date" if _postgres(connection) else "text",
            "bands": " ".join(
                f"WHEN born <= {ago.format(day='day', years=band.age)} THEN '{band.code}'" for band in bands
            ),
            "fens": " ".join(f"WHEN '{band.code}' THEN {band.fen}" for band in bands),
        }  # fmt: skip
        for statement in (_DECIDED, _CYCLE, _LIST, _ENTITLED, _EXCLUDED):
            written = statement.format(**words)
            connection.execute(text(written), {name: value for name, value in said.items() if f":{name}" in written})


def _postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
