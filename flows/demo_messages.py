"""The demo's messages: rehearsed SMS providers that misbehave, a link answered on the page, a reply by SMS, the report.

The providers are a local server that speaks the real protocols, checks signatures and keeps a ledger of its own: in the
end it shows that nobody was told twice, though the first provider hung up after accepting and the second took over.
"""

import email
import re
from email.policy import default
from pathlib import Path

import httpx
import yaml

from flows.demo_stage import LINK, RECONCILE, REPORT, Stage, short, ui
from flows.outlets import site_of
from flows.settings import Settings
from models.cadre import contacts
from models.district import district_id
from notifications.catalogue import catalogue
from notifications.rehearsal.account import Account, Approved
from notifications.rehearsal.faults import Fault
from notifications.rendering import provider_text
from rules.errors import say

SECRET = "made-up-secret-of-the-demo"  # noqa: S105 - it opens nothing but the demo
_LINK = re.compile(r"http://127\.0\.0\.1:\d+/a/\w+")


def with_providers(chosen: Settings, page_port: int) -> Settings:
    """Let SMS go to both providers, rehearsed on loopback, and answers come to a page there."""
    ids = chosen.folder("inbox") / "短信模板编号.yaml"
    ids.write_text(yaml.safe_dump(_ids(), allow_unicode=True), "utf-8")
    known = Account()
    return Settings(
        **{
            **chosen.model_dump(),
            "sms": "aliyun,tencent",
            "sms_templates": ids,
            "sms_replies": True,
            "aliyun_key_id": known.key_id,
            "aliyun_secret": known.secret,
            "tencent_key_id": known.key_id,
            "tencent_secret": known.secret,
            "tencent_app_id": known.app_id,
            "http_hosts": "127.0.0.1",
            "answer_port": page_port,
            "answer_url": f"http://127.0.0.1:{page_port}",
            "callback_secret": SECRET,
            "operators": "ops@example.cn,robot:ops",
        }
    )


def to_rehearsal(chosen: Settings, url: str) -> Settings:
    """The same settings with the providers where the rehearsal listens."""
    return Settings(**{**chosen.model_dump(), "aliyun_url": url, "tencent_url": url})


def _ids() -> dict[str, dict[str, dict[str, str]]]:
    names = [name for name, kind in sorted(catalogue().items()) if "sms" in kind.channels]
    numbered = list(enumerate(names, start=1))
    return {
        "aliyun": {name: {"zh-CN": f"SMS_{100_000 + n}", "en": f"SMS_{200_000 + n}"} for n, name in numbered},
        "tencent": {name: {"zh-CN": str(100_000 + n), "en": str(200_000 + n)} for n, name in numbered},
    }


def account(chosen: Settings) -> Account:
    """What the rehearsed providers know: every template as it would be submitted for approval."""
    site, texts = site_of(chosen), {}
    for provider, templates in _ids().items():
        texts[provider] = {
            number: Approved(provider_text(catalogue()[name], language, provider, site))  # type: ignore[arg-type]
            for name, numbers in templates.items()
            for language, number in numbers.items()
        }
    return Account(aliyun=texts["aliyun"], tencent=texts["tencent"])


def answer_by_link(stage: Stage) -> None:
    """The first cadre on duty opens the link of the notice and confirms."""
    slot = stage.slots()[0]
    letter = next((stage.settings.folder("outbox")).glob(f"duty-notice-{slot.ref}-*.eml"))
    link = _link_in(letter)
    with httpx.Client(timeout=10, trust_env=False) as phone:
        shown = phone.get(link)
        confirmed = phone.post(link, data={"do": "ack"})
        again = phone.post(link, data={"do": "ack"})
    done = stage.slots()[0].state == "acknowledged"
    good = done and (shown.status_code, confirmed.status_code) == (200, 200) and again.status_code in {200, 409}
    told = say("1 人，再点一次不重复", "1 person; a second tap does nothing")
    stage.note("answers", say("点开通知里的链接确认值班", "confirmed by the link in the notice"), told, link, good=good)


def _link_in(letter: Path) -> str:
    message = email.message_from_bytes(letter.read_bytes(), policy=default)
    body = message.get_body(("plain",))
    assert body is not None
    found = _LINK.search(body.get_content())
    assert found is not None
    return found[0]


def spoil(stage: Stage) -> None:
    """The first provider accepts and hangs up without an answer; it is left alone for a minute after that."""
    stage.rehearsal.faults.then(Fault("accept-reset", provider="aliyun"))


def answer_by_sms(stage: Stage) -> None:
    """The second cadre answers the reminder with 1; then providers are asked what became of what was in doubt."""
    slot = stage.slots()[1]
    in_doubt = stage.messages("duty-reminder", "unknown")
    stage.rehearsal.reply(_phone(stage, str(slot.cadre)), "1", "tencent")
    asked = stage.run("reconcile-messages", RECONCILE)
    settled = stage.messages("duty-reminder", "delivered")
    told = say(f"{in_doubt} 条结果不明，查实 {settled} 条已送达", f"{in_doubt} in doubt, {settled} found delivered")
    good = asked and in_doubt == settled == 2
    what = say("短信商收下后断线：不盲目重发，向其核实", "a provider accepted and hung up: asked, not resent")
    stage.note("reconcile-messages", what, told, ui(), good=good)
    acknowledged = stage.slots()[1].state == "acknowledged"
    told = say("1 人", "1 person")
    stage.note(
        "reconcile-messages", say("短信回复“1”确认值班", "confirmed by SMS reply"), told, ui(), good=acknowledged
    )


def _phone(stage: Stage, cadre: str) -> str:
    with stage.database.read() as session:
        return contacts(session, district_id(session, stage.settings.district), {cadre})[cadre].phone


def receipts(stage: Stage) -> None:
    """The providers push their receipts to the page, and the day is reported."""
    page = stage.settings.answer_url
    for provider in ("aliyun", "tencent"):
        stage.rehearsal.push_reports(provider, f"{page}/callback/{provider}/{SECRET}/reports")
    reported = stage.run("message-report", REPORT) and stage.run("redact-messages", REPORT)
    path = stage.settings.folder("reports") / "messages-2026-03-01.xlsx"
    ledger = stage.rehearsal.ledger
    twice = sum(len(found) for found in ledger.duplicates().values())
    told = say(f"短信商账本 {len(ledger)} 条，重复 {twice}", f"{len(ledger)} in the providers' ledger, {twice} twice")
    good = reported and path.exists() and twice == 0 and len(ledger) > 0
    stage.note("message-report", say("送达报告", "delivery report"), told, short(path), good=good)


def page_environment() -> dict[str, str]:
    """The answer page lives on the evening before the duty."""
    return {"TUOQI_AT": LINK}
