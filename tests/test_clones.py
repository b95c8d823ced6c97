"""The next test finds what the first found, whatever a test did to its clone."""

import psycopg
import pytest

from tests.clones import Clones

ADD = "INSERT INTO subdistrict (district_id, ref, name) VALUES (1, 'S-1', 'x')"


def do(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(statement.encode())


def seen(url: str) -> list[object]:
    """The first id that a new sub-district gets, and how much stands in three tables."""
    plain = url.replace("+psycopg", "")
    tables = ("subdistrict", "district", "work_calendar")
    with psycopg.connect(plain) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() for table in tables]
        row = connection.execute(f"{ADD} RETURNING id".encode()).fetchone()
        connection.rollback()
        connection.execute("SELECT setval('subdistrict_id_seq', 1, false)")
    return [*counts, row]


@pytest.mark.parametrize(
    ("statement", "again"),
    [
        pytest.param("SELECT 1", True, id="nothing"),
        pytest.param(ADD, True, id="a row"),
        pytest.param("SELECT nextval('subdistrict_id_seq')", True, id="a number that was used up"),
        pytest.param("CREATE TEMPORARY TABLE staged (id int); DROP TABLE staged", True, id="a temporary table"),
        pytest.param("ALTER TABLE elder ADD COLUMN motto text", False, id="a column"),
        pytest.param("DROP TABLE alembic_version", False, id="a table dropped"),
        pytest.param("UPDATE district SET name = 'x'", False, id="another name of the district"),
        pytest.param("DELETE FROM work_calendar WHERE date > '2026-01-01'", False, id="a shorter calendar"),
    ],
)
def test_a_clone_is_used_again_only_as_the_template_is(postgres_clones: Clones, statement: str, again: bool) -> None:
    fresh = seen(postgres_clones.new())
    url = postgres_clones.take()
    do(url, statement)
    postgres_clones.give_back(url)
    assert (url in postgres_clones.idle) == again
    following = postgres_clones.take()
    assert seen(following) == fresh
    postgres_clones.give_back(following)


def test_a_clone_that_somebody_is_connected_to_is_left_behind(postgres_clones: Clones) -> None:
    url = postgres_clones.take()
    with psycopg.connect(url.replace("+psycopg", "")):
        postgres_clones.give_back(url)
    assert url not in postgres_clones.idle
