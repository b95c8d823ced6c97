"""The service's processes: a taken port refused, the shell's settings kept out, and never an orphan."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest

from flows import child as child_module
from flows.child import ROOT, Child
from flows.prefect_home import check_port, environment, free_port
from flows.service import Service
from flows.service_errors import AlreadyUp, ChildDied, PortTaken
from flows.settings import Settings

UP = """
import sys
from pathlib import Path
from flows.service import Service
from flows.settings import Settings
settings = Settings(var_dir=Path(sys.argv[1]))
with Service(settings, port=int(sys.argv[2]), answer_port=int(sys.argv[3]), patience_s=1) as service:
    print("up", flush=True)
    service.wait()
print("down", flush=True)
"""
WITHIN_S = 40


@contextlib.contextmanager
def started(*words: str, ignoring: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A Python process of ours; with `ignoring`, born as a shell's background job is: deaf to SIGINT."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if ignoring else None
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, *words], env=environ, cwd=ROOT, text=True, stdout=subprocess.PIPE)
    if ignoring:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            process.kill()


def gone(pids: set[int]) -> bool:
    end = time.monotonic() + WITHIN_S
    while alive := {pid for pid in pids if _runs(pid)}:
        if time.monotonic() > end:
            raise AssertionError([psutil.Process(pid).cmdline() for pid in alive])
        time.sleep(0.05)
    return True


def _runs(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_ctrl_c_leaves_no_process_and_frees_the_port(tmp_path: Path) -> None:
    port, answers = free_port(), free_port()
    with started("-c", UP, str(tmp_path), str(port), str(answers), ignoring=True) as service:
        assert service.stdout is not None
        assert service.stdout.readline() == "up\n"
        tree = {each.pid for each in psutil.Process(service.pid).children(recursive=True)}
        assert len(tree) >= 3
        for taken in (port, answers):
            with pytest.raises(PortTaken):
                check_port(taken)
        with pytest.raises(AlreadyUp, match="TUOQI_VAR_DIR"), Service(Settings(var_dir=tmp_path), port=free_port()):
            pass
        service.send_signal(signal.SIGINT)
        assert service.stdout.read() == "down\n"
        assert service.wait(WITHIN_S) == 0
    assert gone(tree)
    check_port(port)
    check_port(answers)


def test_a_taken_port_is_refused_in_one_line_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken) as refused, Service(Settings(var_dir=tmp_path / "var"), port=port):
            pass
    assert str(port) in str(refused.value)
    assert "TUOQI_PORT" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "var").exists()


def test_a_number_that_is_no_port_is_refused() -> None:
    with pytest.raises(PortTaken, match="65535"):
        check_port(70_000)


def test_a_child_born_deaf_hears_ctrl_c() -> None:
    words = ("-m", "flows.child", str(os.getpid()), "http.server", "0", "--bind", "127.0.0.1")
    with started(*words, ignoring=True) as child:
        _wait_for_exec(child)
        child.send_signal(signal.SIGINT)
        child.wait(WITHIN_S)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_child_does_not_outlive_a_killed_parent() -> None:
    script = (
        "import os, subprocess, sys\n"
        "words = [sys.executable, '-m', 'flows.child', str(os.getpid()), 'http.server', '0', '--bind', '127.0.0.1']\n"
        "child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    with started("-c", script) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        assert gone({child})


def test_a_child_that_ends_is_told_with_its_log(tmp_path: Path) -> None:
    child = Child("server", ["no-such-command"], environment(Settings(var_dir=tmp_path), 4200), tmp_path)
    child.process.wait(WITHIN_S)
    with pytest.raises(ChildDied, match=r"server\.log"):
        child.check()
    assert "no-such-command" in (tmp_path / "server.log").read_text("utf-8")
    child.kill()


def test_a_log_never_outgrows_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "LOG_BYTES", 1_000)
    child = Child("talk", ["--help"], environment(Settings(var_dir=tmp_path), 4200), tmp_path)
    child.process.wait(WITHIN_S)
    child.kill()
    written = sorted(tmp_path.glob("talk.log*"))
    assert len(written) > 1
    assert all(path.stat().st_size <= 1_000 for path in written)


def test_the_shell_s_prefect_is_kept_out_and_our_settings_go_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://elsewhere.example/api")
    monkeypatch.setenv("PREFECT_API_KEY", "secret")
    monkeypatch.setenv("TUOQI_LANG", "en")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.chdir(tmp_path)
    at = datetime(2026, 3, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
    found = environment(Settings(var_dir=Path("mine"), at=at), 4300)
    assert found["PREFECT_API_URL"] == "http://127.0.0.1:4300/api"
    assert found["PREFECT_HOME"] == str(tmp_path / "mine" / "prefect")
    assert "PREFECT_API_KEY" not in found
    assert found["TUOQI_VAR_DIR"] == str(tmp_path / "mine")
    assert (found["TUOQI_LANG"], found["TUOQI_AT"]) == ("en", "2026-03-01T08:00:00+08:00")
    assert "127.0.0.1" in found["NO_PROXY"].split(",")


def _wait_for_exec(child: subprocess.Popen[str]) -> None:
    """Wait until the module inside listens: by then the signals are set."""
    end = time.monotonic() + WITHIN_S
    while not psutil.Process(child.pid).net_connections(kind="tcp4") and time.monotonic() < end:
        time.sleep(0.05)


def test_secrets_that_a_gateway_s_file_names_reach_the_worker_and_settings_only_by_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUOQI_GATEWAY_TOKEN", "t0ken")
    monkeypatch.setenv("TUOQI_SMS", "tencent")
    found = environment(Settings(var_dir=tmp_path, sms="gateway"), 4300)
    assert (found["TUOQI_GATEWAY_TOKEN"], found["TUOQI_SMS"]) == ("t0ken", "gateway")
