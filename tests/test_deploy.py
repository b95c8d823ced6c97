"""What is in deploy/ fits the program: settings, commands and folders are real, and only the proxy is reached."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from flows.child import ROOT
from flows.cli import app
from flows.parts import Part
from flows.production import Unsafe
from flows.settings import Settings

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"].startswith("tuoqi:")}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
FIELDS = {f"TUOQI_{name.upper()}" for name in Settings.model_fields}


def _examples() -> dict[str, str]:
    """Every setting of the example of tuoqi.env, those in comments too."""
    lines = (DEPLOY / "tuoqi.env.example").read_text("utf-8").splitlines()
    found = (re.fullmatch("#?(TUOQI_[A-Z_]+)=(.*)", line) for line in lines)
    return {each[1]: each[2] for each in found if each}


def _fits(words: list[str]) -> bool:
    """Whether `tuoqi` knows these words."""
    return words[0] in COMMANDS and (words[0] != "up" or words[1] in get_args(Part))


@pytest.mark.parametrize("name", OURS)
def test_each_setting_of_compose_is_one_that_the_program_reads(name: str) -> None:
    told = {each for each in OURS[name]["environment"] if each.startswith("TUOQI_")}
    assert told
    assert told <= FIELDS


def test_each_setting_of_the_example_is_one_that_the_program_reads() -> None:
    assert _examples().keys() <= FIELDS


@pytest.mark.parametrize("name", [name for name in OURS if name != "backup"])
def test_each_command_of_compose_is_one_of_the_program(name: str) -> None:
    assert _fits(OURS[name]["command"])


def test_every_part_has_a_service_and_a_unit() -> None:
    parts = set(get_args(Part))
    assert parts <= OURS.keys()
    assert {f"tuoqi-{part}.service".replace("worker", "worker@") for part in parts} <= {path.name for path in UNITS}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_each_unit_starts_what_is_there_and_may_do_little(path: Path) -> None:
    unit = path.read_text("utf-8")
    for words in re.findall(r"^Exec\w+=(.+)$", unit, re.MULTILINE):
        program, *rest = words.removeprefix("/opt/tuoqi/").split()
        assert _fits(rest) if program == ".venv/bin/tuoqi" else os.access(ROOT / program, os.X_OK)
    for line in ("User=tuoqi", "UMask=0077", "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes"):
        assert f"\n{line}\n" in unit
    assert re.search("^MemoryMax=", unit, re.MULTILINE)


def test_the_page_s_steps_for_systemd_can_be_copied_and_name_what_is_there() -> None:
    page = (DEPLOY / "README.md").read_text("utf-8").partition("## systemd\n")[2].partition("\n## ")[0]
    steps = re.split(r"^(\d+)\. ", page, flags=re.MULTILINE)[1:]
    assert [int(number) for number in steps[::2]] == list(range(1, 9))
    for step in steps[1::2]:
        typed = "\n".join(line for line in step.splitlines() if line.startswith(" " * 7))
        assert typed
        subprocess.run(["sh", "-n"], input=typed, text=True, check=True)
    for path in re.findall(r"/opt/tuoqi/(deploy/[\w./*-]+)", page):
        assert list(ROOT.glob(path)), path
    enabled = {unit for line in re.findall(r"systemctl enable --now (.+)", page) for unit in line.split()}
    units = {path.name.removesuffix(".service").replace("@", "@1") for path in (DEPLOY / "systemd").iterdir()}
    assert enabled == units - {"tuoqi-backup"}  # its timer starts it
    filled = re.findall(r"envsubst '(.+)'", page)[0].replace("$", "").split()
    assert set(filled) == set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "proxy/tuoqi.conf.template").read_text("utf-8")))
    assert set(filled) == set(re.findall(r"(\w+)=", " ".join(re.findall("export (.+)", page))))


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert {name for name, each in SERVICES.items() if each.get("ports")} == {"proxy"}
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis", "server", "services", "answers"):
        assert SERVICES[name]["networks"] == ["inside"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_pinned_bounded_and_cannot_gain_rights(name: str) -> None:
    each = SERVICES[name]
    assert re.fullmatch(r"[\w/]+:(\d+\.\d+\S*|\$\{TUOQI_VERSION:-\d+\.\d+\.\d+\})", each["image"])
    assert {"cpus", "memory", "pids"} <= each["deploy"]["resources"]["limits"].keys()
    assert each["security_opt"] == ["no-new-privileges:true"]
    assert each["logging"]["options"].keys() == {"max-size", "max-file"}
    assert each["restart"]
    assert name == "postgres" or (each["cap_drop"] == ["ALL"] and each["read_only"] is True)


def test_what_a_service_waits_for_can_say_that_it_is_ready() -> None:
    for each in SERVICES.values():
        for name, how in each.get("depends_on", {}).items():
            ends = SERVICES[name].get("restart") == "on-failure:3"
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy")
            assert ends or SERVICES[name]["healthcheck"]["test"]


def test_all_parts_share_the_same_folders() -> None:
    named = {each for service in SERVICES.values() for each in service["volumes"] if not each.startswith((".", "$"))}
    assert {each.partition(":")[0] for each in named} == COMPOSE["volumes"].keys()
    shared = OURS["worker"]["volumes"]
    assert all(each["volumes"][: len(shared)] == shared for each in OURS.values())


def test_files_that_compose_mounts_are_there() -> None:
    mounted = {each.partition(":")[0] for service in SERVICES.values() for each in service["volumes"]}
    for path in (each for each in mounted if each.startswith("./") and not each.startswith("./private/")):
        assert (DEPLOY / path).is_file()
    for script in ("backup.sh", "restore.sh", "postgres/databases.sh", "proxy/login.envsh"):
        assert os.access(DEPLOY / script, os.X_OK)


def test_nothing_starts_with_the_examples_as_they_are(tmp_path: Path) -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text("utf-8")))
    given = dict(re.findall("^([A-Z_]+)=(.*)$", (DEPLOY / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert given == dict.fromkeys(asked, "")
    whole: dict[str, Any] = {name.removeprefix("TUOQI_").lower(): value for name, value in _examples().items() if value}
    for name in ("database_url", "prefect_database_url", "prefect_auth"):
        others = {other: value.replace("changeme", "f00d") for other, value in whole.items() if other != name}
        chosen = Settings(**{**others, name: whole[name], "var_dir": tmp_path})
        with pytest.raises(Unsafe, match=f"TUOQI_{name.upper()}"):
            chosen.check()


def test_the_proxy_fills_in_all_that_its_template_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "proxy/tuoqi.conf.template").read_text("utf-8")))
    assert asked == SERVICES["proxy"]["environment"].keys() - {"PREFECT_PASSWORD"} | {"PREFECT_LOGIN"}


def test_the_image_takes_every_file_that_the_program_reads_and_no_secret() -> None:
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split("\n")
    assert kept[1] == "*"
    taken = {line.removeprefix("!") for line in kept if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert {word for words in copied for word in words.split()} == taken
    assert {"deploy/city.yaml", "prefect.yaml"} <= taken
    assert all((ROOT / path).exists() for path in taken)
