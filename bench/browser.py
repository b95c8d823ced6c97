"""A browser without a window, for `make shots`: Chromium is started, told what to open and press, and photographed."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--lang=zh-CN")


class Page:
    """One tab of a browser without a window."""

    def __init__(self, wire: Connection, home: str) -> None:
        self._wire, self.home, self._calls = wire, home, 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something and wait for its answer."""
        self._calls += 1
        self._wire.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            told: dict[str, Any] = json.loads(self._wire.recv(timeout=60))
            if told.get("id") == self._calls:
                return dict(told["result"])

    def js(self, script: str) -> Any:
        """Return what a script gives."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def open(self, path: str, says: str, width: int, height: int) -> None:
        """Open a page of the UI and wait until it says something."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Page.navigate", url=self.home + path)
        self.until(f"document.body && document.body.innerText.includes({json.dumps(says)})")
        time.sleep(1.5)  # pictures and fonts

    def until(self, script: str) -> None:
        """Wait until a script gives true."""
        end = time.monotonic() + 30
        while not self.js(script):
            if time.monotonic() > end:
                raise TimeoutError(script)
            time.sleep(0.2)

    def press(self, text: str) -> None:
        """Press what says just this: a button, a tab, a line of a menu."""
        leaf = f"[...document.querySelectorAll('*')].filter(e => e.innerText?.trim() === {json.dumps(text)}).pop()"
        self.until(f"!!{leaf}")
        middle = f"(r => [r.x + r.width / 2, r.y + r.height / 2])({leaf}.getBoundingClientRect())"
        x, y = self.js(middle)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        time.sleep(0.8)

    def shoot(self, name: str) -> None:
        """Write what is seen to docs/pictures."""
        told = self.call("Page.captureScreenshot", format="png")
        (PICTURES / f"{name}.png").write_bytes(base64.b64decode(told["data"]))


@contextmanager
def browser(home: str) -> Iterator[Page]:
    """Start Chromium, light and without a window."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("make shots needs chromium and a Chinese font: apt install chromium fonts-noto-cjk")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [program, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env={**os.environ, "LANGUAGE": "zh_CN"})
        try:
            port = _port(Path(folder) / "DevToolsActivePort")
            tabs = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
            tab = next(each for each in tabs if each["type"] == "page")
            with connect(tab["webSocketDebuggerUrl"], max_size=None, proxy=None) as wire:
                page = Page(wire, home)
                page.call("Page.enable")
                page.call("Emulation.setTimezoneOverride", timezoneId="Asia/Shanghai")
                page.call("Page.navigate", url=home + "/dashboard")
                time.sleep(3)
                page.js("localStorage.setItem('color-scheme', '\"light\"')")
                yield page
        finally:
            process.kill()
            process.wait()


def _port(file: Path) -> int:
    end = time.monotonic() + 30
    while not file.exists() or not file.read_text():
        if time.monotonic() > end:
            raise TimeoutError(file)
        time.sleep(0.1)
    return int(file.read_text().splitlines()[0])
