"""`tuoqi` in a city: a command of one district says which, the audit log's commands do all of them."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.child import ROOT
from flows.settings import Settings
from models.db import Database
from models.district import District, Subdistrict

CITY = "530112 西山区, 530102 五华区"


@pytest.fixture
def city(tmp_path: Path, key_file: Path) -> Settings:
    made = Settings(var_dir=tmp_path / "var", key_file=key_file, districts=CITY)
    assert tuoqi(made, "migrate").returncode == 0
    return made


def tuoqi(city: Settings, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own: what a city's commands take is known when the program is loaded."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TUOQI_")}
    told = {"TUOQI_VAR_DIR": str(city.var_dir), "TUOQI_KEY_FILE": str(city.key_file), "TUOQI_DISTRICTS": CITY}
    command = [sys.executable, "-m", "flows.cli", *map(str, words)]
    env = {**kept, **told, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def places(city: Settings) -> list[tuple[str, str]]:
    """District and sub-district of every row."""
    query = select(col(District.code), col(Subdistrict.name)).join(
        Subdistrict, col(Subdistrict.district_id) == col(District.id)
    )
    with closing(Database(city.url, city.keys())) as database, database.read() as session:
        return [tuple(row) for row in session.execute(query)]


def test_a_register_goes_into_the_district_that_was_named_and_into_none_without(city: Settings, tmp_path: Path) -> None:
    file = tmp_path / "街道.csv"
    file.write_text("街道,社区\n马街,一社区\n", "utf-8")
    refused = tuoqi(city, "import", "subdistrict", file)
    assert refused.returncode == 1
    assert "请用 --district 指定区县" in refused.stderr
    assert places(city) == []
    taken = tuoqi(city, "import", "subdistrict", file, "--district", "530102")
    assert taken.returncode == 0, taken.stderr
    assert places(city) == [("530102", "马街")]
    assert tuoqi(city, "import", "subdistrict", file, TUOQI_DISTRICT="530112").returncode == 0
    assert ("530112", "马街") in places(city)


def test_a_district_of_another_city_is_refused(city: Settings) -> None:
    refused = tuoqi(city, "staff", "list", "--district", "440106")
    assert refused.returncode == 1
    assert "TUOQI_DISTRICT" in refused.stderr


def test_every_district_s_log_is_anchored_and_verified_by_one_command(city: Settings) -> None:
    def said(*words: str) -> list[dict[str, Any]]:
        ran = tuoqi(city, "audit", *words, "--json")
        assert ran.returncode == 0, ran.stderr
        rows: list[dict[str, Any]] = json.loads(ran.stdout)["districts"]
        return rows

    for code in ("530112", "530102"):
        assert (
            tuoqi(city, "staff", "add", "G1", "--name", "王会计", "--role", "maker", "--district", code).returncode == 0
        )
    assert [(row["district"], row["added"]) for row in said("anchor")] == [("530112", True), ("530102", True)]
    assert [(row["district"], row["holds"]) for row in said("verify")] == [("530112", True), ("530102", True)]
