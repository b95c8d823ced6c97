"""The real process: started as `tuoqi up` starts it, a link opened over loopback, its logs silent, stopped cleanly."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from flows import service
from flows.child import Child
from flows.prefect_home import environment, free_port
from flows.service import Service
from flows.service_errors import PortTaken
from tests.flows.answer_page.conftest import EVENING, ON_SQLITE, Town

WITHIN_S = 60


@contextmanager
def served(town: Town, folder: Path) -> Iterator[tuple[Child, httpx.Client]]:
    """The answer page of this town as a child process, and a client of it."""
    port = free_port()
    chosen = town.office.at(EVENING)
    env = {**environment(chosen, 4200), "TUOQI_ANSWER_PORT": str(port), "TUOQI_AT": f"{EVENING}:00+08:00"}
    env |= {"TUOQI_KEY_FILE": str(chosen.keys_path), "TUOQI_DATABASE_URL": chosen.url}
    child = Child("answers", [], env, folder, module="flows.answer_page")
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=WITHIN_S) as client:
            end = time.monotonic() + WITHIN_S
            while not service._well(f"http://127.0.0.1:{port}/healthz"):
                child.check()
                assert time.monotonic() < end
                time.sleep(0.05)
            yield child, client
    finally:
        child.kill()


def test_a_link_works_over_loopback_and_its_code_is_in_no_log(town: Town, tmp_path: Path) -> None:
    link = town.link()
    with served(town, tmp_path) as (child, client):
        shown = client.get(link)
        assert (shown.status_code, "确认值班" in shown.text) == (200, True)
        assert "server" not in shown.headers
        head = client.head(link)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == shown.headers["content-length"]
        assert client.post(link, data={"do": "ack"}).status_code == 200
        assert client.get("/a/wrong").status_code == 404
        assert client.post(link, content=b"x" * 10_000).status_code == 413
        child.finish(WITHIN_S)
        assert child.process.returncode == 0
    assert town.slot().state == "acknowledged"
    log = (tmp_path / "answers.log").read_text("utf-8") if (tmp_path / "answers.log").exists() else ""
    assert log == ""


@ON_SQLITE
def test_a_proxy_that_is_not_set_is_not_believed(town: Town, tmp_path: Path) -> None:
    with served(town, tmp_path) as (_, client):
        codes = [client.get(f"/a/x{n}", headers={"x-forwarded-for": f"8.8.8.{n}"}).status_code for n in range(12)]
    assert codes == [404] * 10 + [429] * 2


@ON_SQLITE
def test_a_taken_port_of_the_answer_page_is_refused_before_anything_starts(town: Town) -> None:
    with served_port() as port, pytest.raises(PortTaken, match=f"{port}.*TUOQI_ANSWER_PORT"):
        Service(town.office.base, port=free_port(), answer_port=port).__enter__()


@contextmanager
def served_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@ON_SQLITE
def test_settings_that_will_not_do_end_it_with_one_line(town: Town, tmp_path: Path) -> None:
    env = environment(town.office.base, 4200) | {"TUOQI_LANG": "fr"}
    child = Child("answers", [], env, tmp_path, module="flows.answer_page")
    child.process.wait(WITHIN_S)
    child.kill()
    log = (tmp_path / "answers.log").read_text("utf-8").strip()
    assert child.process.returncode == 1
    assert "Traceback" not in log
    assert "\n" not in log
