"""Our signatures against those of the official SDKs, from requests captured on loopback."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.signers import Acs3, Tc3

CAPTURED = Path(__file__).parents[1] / "data" / "captured"
NOW = datetime(2026, 7, 12, 1, 2, 3, tzinfo=UTC)
_TRANSPORT = ("accept-encoding", "connection", "content-length")


def _captured(provider: str) -> list[Any]:
    (file,) = CAPTURED.glob(f"{provider}-[0-9]*.json")
    return [pytest.param(request, id=request["action"]) for request in json.loads(file.read_text(encoding="utf-8"))]


def _signed(auth: httpx.Auth, captured: dict[str, Any], ours: tuple[str, ...]) -> httpx.Request:
    """Return the captured request, unsigned again, after our own signing."""
    dropped = {"authorization", *_TRANSPORT, *ours}
    headers = {name: value for name, value in captured["headers"].items() if name not in dropped}
    url = f"http://{headers['host']}{captured['path']}"
    request = httpx.Request(captured["method"], url, headers=headers, content=captured["body"].encode())
    return next(auth.sync_auth_flow(request))


@pytest.mark.parametrize("captured", _captured("aliyun"))
def test_acs3_signs_as_the_official_sdk_does(captured: dict[str, Any]) -> None:
    sent = captured["headers"]
    at, nonce = datetime.fromisoformat(sent["x-acs-date"]), sent["x-acs-signature-nonce"]
    auth = Acs3("testId", "testSecret", lambda: at, lambda: nonce)
    request = _signed(auth, captured, ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"))
    assert request.headers["x-acs-content-sha256"] == sent["x-acs-content-sha256"]
    assert request.headers["Authorization"] == sent["authorization"]


@pytest.mark.parametrize("captured", _captured("tencent"))
def test_tc3_signs_as_the_official_sdk_does(captured: dict[str, Any]) -> None:
    sent = captured["headers"]
    at = datetime.fromtimestamp(int(sent["x-tc-timestamp"]), UTC)
    request = _signed(Tc3("testId", "testSecret", "sms", lambda: at), captured, ("x-tc-timestamp",))
    assert request.headers["Authorization"] == sent["authorization"]


@pytest.mark.parametrize("secret", [pytest.param("testSecret2", id="another"), pytest.param("", id="empty")])
def test_another_secret_signs_otherwise(secret: str) -> None:
    captured = _captured("tencent")[0].values[0]
    at = datetime.fromtimestamp(int(captured["headers"]["x-tc-timestamp"]), UTC)
    request = _signed(Tc3("testId", secret, "sms", lambda: at), captured, ())
    assert request.headers["Authorization"] != captured["headers"]["authorization"]


def test_each_request_has_a_nonce_of_its_own() -> None:
    auth = Acs3("testId", "testSecret", lambda: NOW)
    nonces = {
        next(auth.sync_auth_flow(httpx.Request("POST", "https://x.example/"))).headers["x-acs-signature-nonce"]
        for _ in range(20)
    }
    assert len(nonces) == 20


@pytest.mark.parametrize(
    "auth",
    [
        pytest.param(Acs3("testId", "testSecret", lambda: NOW), id="acs3"),
        pytest.param(Tc3("testId", "testSecret", "sms", lambda: NOW), id="tc3"),
    ],
)
def test_a_signer_never_shows_its_secret(auth: httpx.Auth) -> None:
    request = next(auth.sync_auth_flow(httpx.Request("POST", "https://x.example/", json={})))
    assert "testSecret" not in f"{auth!r} {auth} {request!r} {request.headers}"


@given(values=st.dictionaries(st.text(min_size=1), st.text()))
def test_any_text_signs_alike_however_its_query_was_written(values: dict[str, str]) -> None:
    auth = Acs3("testId", "testSecret", lambda: NOW, lambda: "nonce")
    written = [httpx.QueryParams(values), httpx.QueryParams(dict(reversed(values.items())))]
    signed = {
        next(auth.sync_auth_flow(httpx.Request("POST", "https://x.example/", params=query))).headers["Authorization"]
        for query in written
    }
    assert len(signed) == 1


@given(body=st.text())
def test_any_body_can_be_signed(body: str) -> None:
    for auth in (Acs3("testId", "testSecret", lambda: NOW), Tc3("testId", "testSecret", "sms", lambda: NOW)):
        headers = {"Content-Type": "application/json"}
        request = httpx.Request("POST", "https://x.example/", headers=headers, content=body.encode())
        assert next(auth.sync_auth_flow(request)).headers["Authorization"].isascii()
