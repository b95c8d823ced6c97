"""Settings: a desk starts with nothing set, production refuses every default that only suits a desk."""

import json
import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from flows import settings as module
from flows.jobs import real_now
from flows.production import Unfit, Unsafe
from flows.settings import BadKeys, BadSetting, NoKeys, OpenKeys, Settings, write_keys
from rules.errors import LANGUAGE

FIT: dict[str, Any] = {
    "environment": "production",
    "sms": "aliyun",
    "database_url": "postgresql+psycopg://tuoqi@db/tuoqi",
    "key_file": Path("/etc/tuoqi.keys"),
    "anchor_dir": Path("/mnt/anchor"),
    "var_dir": Path("/srv/none/tuoqi"),
    "email": "smtp",
    "operators": "ops@example.cn",
    "district": "530102",
}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    token = LANGUAGE.set("zh")
    module.settings.cache_clear()
    yield
    module.settings.cache_clear()
    LANGUAGE.reset(token)


@pytest.mark.parametrize("sms", ["aliyun", "tencent, aliyun", "none"])
def test_production_starts_with_everything_set(sms: str) -> None:
    Settings(**{**FIT, "sms": sms}).check()


@pytest.mark.parametrize("sms", ["", "pigeon", "aliyun,aliyun", "none,aliyun"])
def test_sms_providers_are_named_once_and_known(sms: str) -> None:
    with pytest.raises(ValidationError, match="sms"):
        Settings(sms=sms)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("database_url", "", id="default database"),
        pytest.param("key_file", None, id="no key file"),
        pytest.param("email", "file", id="file channel"),
        pytest.param("operators", "", id="nobody who would hear an alarm"),
        pytest.param("sms", "aliyun,file", id="an SMS file behind a provider"),
        pytest.param("anchor_dir", None, id="no place for anchors"),
    ],
)
def test_production_refuses(name: str, value: object) -> None:
    with pytest.raises(Unfit, match=f"TUOQI_{name.upper()}"):
        Settings(**{**FIT, name: value}).check()


def test_production_wants_to_know_whose_data_it_is() -> None:
    unsaid = {name: value for name, value in FIT.items() if name != "district"}
    with pytest.raises(Unfit, match="TUOQI_DISTRICT"):
        Settings(**unsaid).check()
    Settings(**unsaid, districts="530102 五华区, 530103 盘龙区").check()


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        pytest.param({"database_url": "postgresql://tuoqi:postgres@db/tuoqi"}, "DATABASE_URL", id="default password"),
        pytest.param({"database_url": "postgresql://pay:PAY@db/tuoqi"}, "DATABASE_URL", id="the user's own name"),
        pytest.param({"database_url": "postgresql://pay:c7Kq29xM@db/tuoqi"}, None, id="a random password"),
        pytest.param({"smtp_user": "mail", "smtp_password": "mail"}, "SMTP_PASSWORD", id="mail password"),
        pytest.param({"answer_url": "http://answers.example.cn"}, "ANSWER_URL", id="links in plain text"),
        pytest.param({"answer_url": "https://answers.example.cn"}, None, id="links encrypted"),
        pytest.param({"smtp_security": "none", "smtp_host": "mail.example.cn"}, "SMTP_HOST", id="mail in plain text"),
        pytest.param({"smtp_security": "none", "smtp_host": "127.0.0.1"}, None, id="mail to this machine"),
        pytest.param({"bind": "0.0.0.0"}, "BIND", id="an open scheduler"),
        pytest.param({"at": datetime(2026, 3, 1, tzinfo=UTC)}, "AT", id="a replaced clock"),
        pytest.param({"callback_secret": "changeme12345678"}, "CALLBACK_SECRET", id="a guessable address"),
        pytest.param({"bind": "::1"}, None, id="a scheduler on the loopback"),
        pytest.param({"bind": "0.0.0.0", "prefect_auth": "ops:c7Kq29xM-3vTz"}, None, id="a scheduler with a password"),
        pytest.param({"bind": "10.0.0.5", "prefect_auth": "ops:changeme"}, "PREFECT_AUTH", id="its password guessed"),
        pytest.param(
            {"prefect_database_url": "postgresql+asyncpg://prefect:prefect@db/prefect"},
            "PREFECT_DATABASE_URL",
            id="the scheduler's database",
        ),
        pytest.param({"redis_url": "redis://:changeme@10.0.0.5:6379/0"}, "REDIS_URL", id="the broker's guessed"),
        pytest.param({"redis_url": "redis://10.0.0.5:6379/0"}, "REDIS_URL", id="an open broker"),
        pytest.param({"redis_url": "redis://127.0.0.1:6379/0"}, None, id="a broker on the loopback"),
        pytest.param({"redis_url": "redis://:c7Kq29xM-3vTz@10.0.0.5/0"}, None, id="a broker with a password"),
    ],
)
def test_production_refuses_what_others_could_guess_or_read(change: dict[str, Any], refused: str | None) -> None:
    chosen = Settings(**{**FIT, **change})
    if refused is None:
        chosen.check()
        return
    with pytest.raises(Unsafe, match=f"TUOQI_{refused}"):
        chosen.check()
    Settings(**{**FIT, **change, "environment": "development"}).check()


def test_production_refuses_a_folder_that_is_open_to_others(tmp_path: Path) -> None:
    var = tmp_path / "var"
    var.mkdir(mode=0o700)
    chosen = Settings(**{**FIT, "var_dir": var})
    chosen.check()
    var.chmod(0o750)
    with pytest.raises(Unsafe, match="chmod 700"):
        chosen.check()


@pytest.mark.parametrize(
    ("anchor", "refused"),
    [
        pytest.param("var/anchor", True, id="where it would be by default"),
        pytest.param("var", True, id="var itself"),
        pytest.param("elsewhere/../var/anchor", True, id="by a detour"),
        pytest.param("link/anchor", True, id="by a link"),
        pytest.param("var-anchors", False, id="a folder whose name begins like var's"),
        pytest.param("elsewhere", False, id="elsewhere"),
    ],
)
def test_production_refuses_an_anchor_beside_the_database(tmp_path: Path, anchor: str, *, refused: bool) -> None:
    (tmp_path / "var").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "var")
    chosen = Settings(**{**FIT, "var_dir": tmp_path / "var", "anchor_dir": tmp_path / anchor})
    if not refused:
        chosen.check()
        return
    with pytest.raises(Unsafe, match="TUOQI_ANCHOR_DIR"):
        chosen.check()
    Settings(
        **{**FIT, "var_dir": tmp_path / "var", "anchor_dir": tmp_path / anchor, "environment": "development"}
    ).check()


def test_development_starts_with_nothing_set() -> None:
    Settings().check()


def test_production_never_makes_keys(tmp_path: Path) -> None:
    with pytest.raises(NoKeys, match="tuoqi keys"):
        Settings(**{**FIT, "key_file": tmp_path / "none.keys"}).keys()
    assert list(tmp_path.iterdir()) == []


def test_development_makes_keys_for_its_owner_alone_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = Settings(var_dir=tmp_path / "var")
    ring = chosen.keys()
    path = tmp_path / "var" / "keys" / "tuoqi.keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in capsys.readouterr().err
    assert chosen.keys() == ring
    assert capsys.readouterr().err == ""
    assert len({*ring.sealing.values(), ring.index, ring.audit}) == 3


def test_processes_that_start_together_agree_on_one_key_file(tmp_path: Path) -> None:
    chosen = Settings(var_dir=tmp_path / "var")
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: chosen.keys(), range(8)))
    assert all(ring == rings[0] for ring in rings)
    assert [path.name for path in (tmp_path / "var" / "keys").iterdir()] == ["tuoqi.keys"]


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "k"
    write_keys(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_keys(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int, environment: str) -> None:
    path = tmp_path / "k"
    write_keys(path)
    path.chmod(mode)
    with pytest.raises(OpenKeys, match="chmod 600"):
        Settings(**{**FIT, "key_file": path, "environment": environment}).keys()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sealing": []}, id="sealing is a list"),
        pytest.param({"sealing": {"1": "AAAA"}}, id="a short key"),
        pytest.param({"sealing": {"one": "A" * 43 + "="}}, id="a key without a number"),
        pytest.param({"current": 2}, id="the current key is missing"),
        pytest.param({"index": ""}, id="an empty index key"),
        pytest.param({"audit": "*" * 44}, id="no base64"),
        pytest.param({"audit": None}, id="no audit key"),
    ],
)
def test_a_damaged_key_file_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "k"
    write_keys(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BadKeys, match=str(path)):
        Settings(key_file=path).keys()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(BadKeys):
        Settings(key_file=path).keys()


@pytest.mark.parametrize(
    ("at", "instant"),
    [
        pytest.param("2026-03-01T07:30", datetime(2026, 2, 28, 23, 30, tzinfo=UTC), id="naive is Shanghai wall time"),
        pytest.param("2026-03-01T07:30+00:00", datetime(2026, 3, 1, 7, 30, tzinfo=UTC), id="an offset is kept"),
        pytest.param("1988-07-01T08:00", datetime(1988, 6, 30, 23, 0, tzinfo=UTC), id="in the summer time of 1988"),
    ],
)
def test_at_replaces_the_clock(monkeypatch: pytest.MonkeyPatch, at: str, instant: datetime) -> None:
    monkeypatch.setenv("TUOQI_AT", at)
    assert module.settings().now() == instant


def test_today_is_the_date_in_the_district() -> None:
    assert Settings(at=datetime(2026, 2, 28, 16, 0, tzinfo=UTC)).today() == date(2026, 3, 1)
    assert Settings(at=datetime(2026, 2, 28, 15, 59, tzinfo=UTC)).today() == date(2026, 2, 28)


def test_without_at_the_clock_is_the_real_one() -> None:
    now = Settings().now()
    assert now.tzinfo is UTC
    assert abs((now - real_now()).total_seconds()) < 5


@pytest.mark.parametrize(
    ("name", "value"),
    [("TUOQI_PORT", "many"), ("TUOQI_LANG", "fr"), ("TUOQI_ZONE", "Asia/Kunming"), ("TUOQI_AT", "tomorrow")],
)
def test_a_wrong_variable_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match=name) as caught:
        module.settings()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_way_to_write_a_postgresql_address_works(scheme: str) -> None:
    assert Settings(database_url=f"{scheme}://a:b@c/d").url == "postgresql+psycopg://a:b@c/d"


def test_folders_under_var_and_var_itself_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = Settings(var_dir=tmp_path / "var").folder("prefect")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)] == [0o700, 0o700]


def test_a_variable_that_is_empty_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TUOQI_SMS_TEMPLATES", "TUOQI_GATEWAY_FILE", "TUOQI_KEY_FILE", "TUOQI_CALLBACK_SECRET"):
        monkeypatch.setenv(name, "")
    chosen = Settings()
    assert (chosen.sms_templates, chosen.gateway_file, chosen.key_file, chosen.callback_secret) == (None,) * 4


def test_the_language_of_the_run_follows_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_LANG", "en")
    module.settings()
    assert str(Unfit("TUOQI_EMAIL")).startswith("production needs")


def test_no_setting_that_is_a_secret_shows_itself() -> None:
    named = {name for name in Settings.model_fields if re.search("secret|password|robots|_auth", name)}
    assert named >= {"smtp_password", "callback_secret", "aliyun_secret", "tencent_secret", "robots"}
    chosen = Settings.model_validate({**dict.fromkeys(named, "hush-hush-hush-hush"), "prefect_auth": "city:hush-hush"})
    assert "hush" not in f"{chosen!r} {chosen} {chosen.model_dump()}"
    urls = dict.fromkeys(("database_url", "prefect_database_url", "redis_url"), "postgresql://a:hush@db/x")
    told = Settings.model_validate(urls)
    assert "hush" not in f"{told!r} {told}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TUOQI_ANSWER_URL", "page.example.org"),
        ("TUOQI_ANSWER_URL", "javascript:alert(1)"),
        ("TUOQI_ANSWER_URL", "https://answers.example.cn/?x=1"),
        ("TUOQI_CALLBACK_SECRET", "short"),
        ("TUOQI_CALLBACK_SECRET", "sixteen/letters/."),
    ],
)
def test_what_would_not_work_in_an_address_is_refused_and_not_repeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match=name) as refused:
        module.settings()
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("", "http://127.0.0.1:4201/a/x1"),
        ("https://answers.example.cn/", "https://answers.example.cn/a/x1"),
        ("https://example.cn/duty", "https://example.cn/duty/a/x1"),
    ],
)
def test_a_link_leads_to_where_telephones_reach_the_page(url: str, link: str) -> None:
    assert Settings(answer_url=url).link("x1") == link


@pytest.mark.parametrize(("suite", "number"), [("aes-256-gcm", 1), ("sm4-gcm", 2)])
def test_the_suite_of_new_seals_is_a_setting_and_both_open(tmp_path: Path, suite: str, number: int) -> None:
    write_keys(tmp_path / "k")
    chosen = Settings(key_file=tmp_path / "k", suite=suite)
    envelope = chosen.keys().seal("cadre.name", "C-1", "李建国")
    assert envelope is not None
    assert envelope[1] == number
    assert Settings(key_file=tmp_path / "k").keys().open("cadre.name", "C-1", envelope) == "李建国"
