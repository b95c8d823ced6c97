"""Looking at messages before anybody gets them: template + sample -> lines, a page of all, an artifact."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from flows.message_figures import channel_name
from notifications.catalogue import LANGUAGES, Template, catalogue, template
from notifications.rendering import Mail, Site, Sms, provider_text, render_mail, render_sms
from notifications.sms_form import Provider, form
from rules.errors import LANGUAGE, say

KINDS = {
    "notice": ("通知", "notice"),
    "urgent": ("紧急", "urgent"),
    "payment": ("到账", "payment"),
    "promotional": ("祝福（推广类）", "promotional"),
}
AUDIENCES = {"staff": ("工作人员", "staff"), "public": ("群众", "public")}
_MARKDOWN = str.maketrans({"<": "&lt;", "\n": " ", **{mark: "\\" + mark for mark in "\\`*_[]|~#"}})


@dataclass(frozen=True, slots=True)
class Preview:
    """A template with its sample in one language; what its channels do not need is None."""

    template: Template
    language: str
    mail: Mail | None
    sms: Sms | None
    blanks: tuple[tuple[str, int, str], ...]
    """The variables of the SMS in order: name, most characters, the sample's value."""

    def facts(self) -> dict[str, str]:
        """Title, kind, audience and channels, in the language of this run."""
        kind = self.template
        return {
            "title": kind.title,
            "kind": say(*KINDS[kind.kind]),
            "audience": say(*AUDIENCES[kind.audience]),
            "channels": say("、", ", ").join(channel_name(channel) for channel in kind.channels),
        }


def preview(name: str, language: str, site: Site) -> Preview:
    """Render a template's sample.

    Raises:
        UnknownTemplate: there is none of that name.
    """
    kind = template(name)
    variables = kind.sample(language)
    mail = render_mail(kind, language, variables, site=site) if "email" in kind.channels else None
    if "sms" not in kind.channels:
        return Preview(kind, language, mail, None, ())
    sms = render_sms(kind, language, variables, site=site)
    blanks = zip(form(kind, language, site).blanks, sms.values, strict=True)
    named = tuple((blank.variable.name, blank.limit, value) for blank, value in blanks)
    return Preview(kind, language, mail, sms, named)


def language_of_run() -> str:
    """The language of templates that goes with the language of this run."""
    return "en" if LANGUAGE.get() == "en" else "zh-CN"


def listing(site: Site, language: str) -> list[dict[str, Any]]:
    """Return one row for each template."""
    seen = [preview(name, language, site) for name in catalogue()]
    return [{"name": p.template.name, **p.facts(), "parts": p.sms.parts if p.sms else ""} for p in seen]


def index(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Say it for a terminal: names whole, as they are what one types next."""
    for row in rows:
        facts = " · ".join(str(row[key]) for key in ("kind", "audience", "channels") if row[key])
        parts = say("{} 条", "{} SMS").format(row["parts"]) if row["parts"] else ""
        yield f"{row['name']:<22} {row['title']}  [{' · '.join(filter(None, (facts, parts)))}]"


def shown(name: str, language: str, site: Site, provider: Provider | None) -> dict[str, Any]:
    """Return everything about one message: for --json, and for the lines below."""
    seen = preview(name, language, site)
    kind = seen.template
    told: dict[str, Any] = {
        "name": name,
        "title": kind.title,
        "kind": kind.kind,
        "audience": kind.audience,
        "channels": list(kind.channels),
        "language": language,
        "version": kind.version,
        "late": [each.name for each in kind.variables.values() if each.late],
    }
    if seen.mail:
        told |= {"subject": seen.mail.subject, "text": seen.mail.text}
    if seen.sms:
        variables = [{"name": n, "limit": limit, "sample": value} for n, limit, value in seen.blanks]
        told |= {"sms": seen.sms.text, "parts": seen.sms.parts, "sms_variables": variables}
    if seen.sms and provider:
        told[provider] = provider_text(kind, language, provider, site)
    return told


def lines(told: dict[str, Any], provider: Provider | None) -> Iterator[str]:
    """Say it for a terminal."""
    seen = template(told["name"])
    yield f"{seen.name} v{seen.version}  {seen.title}"
    channels = say("、", ", ").join(channel_name(channel) for channel in seen.channels)
    yield f"{say(*KINDS[seen.kind])} · {say(*AUDIENCES[seen.audience])} · {channels}"
    if told["late"]:
        yield say("发送时才读取：", "read when it is sent: ") + ", ".join(told["late"])
    if "subject" in told:
        yield ""
        yield f"[{say('主题', 'subject')}] {told['subject']}"
        yield told["text"].rstrip("\n")
    if "sms" not in told:
        if provider:
            yield ""
            yield say("这条消息不发短信，没有要报审的模板。", "It never goes by SMS: there is nothing to submit.")
        return
    yield ""
    yield f"[{say('短信，{} 条', 'SMS, parts: {}').format(told['parts'])}] {told['sms']}"
    for number, each in enumerate(told["sms_variables"], start=1):
        limit = say("最多 {} 字", "at most {} characters").format(each["limit"])
        yield f"  {number}. {each['name']}{say('，', ', ')}{limit}{say('，如 ', ', such as ')}{each['sample']}"
    if provider:
        yield ""
        yield f"[{say('报 {} 审核的模板', 'to be submitted to {}').format(provider)}] {told[provider]}"


def gallery_markdown(site: Site) -> str:
    """Return all messages as Markdown for a Prefect artifact, in the language of this run; samples only."""
    language = language_of_run()
    page = [say("# 消息一览", "# All messages")]
    for name in catalogue():
        seen = preview(name, language, site)
        facts = seen.facts()
        page += ["", f"## {_plain(facts['title'])}", "", f"`{name}`", ""]
        head = [
            say(*each) for each in (("类别", "kind"), ("对象", "audience"), ("渠道", "channels"), ("短信条数", "parts"))
        ]
        cells = [facts["kind"], facts["audience"], facts["channels"], str(seen.sms.parts) if seen.sms else "—"]
        page += [_row(head), _row(["---"] * len(head)), _row([_plain(cell) for cell in cells])]
        said = [f"{say('主题：', 'Subject: ')}{seen.mail.subject}"] if seen.mail else []
        said += [seen.sms.text] if seen.sms else []
        page += ["", *(line for text in said for line in (f"> {_plain(text)}", ">"))][:-1]  # wrapped, unlike code
    return "\n".join(page) + "\n"


def gallery(site: Site, names: Sequence[str] = ()) -> str:
    """Return one self-contained page that shows messages in both languages.

    Args:
        site: the constants of the installation.
        names: of templates; none means all.

    Raises:
        UnknownTemplate: a name is not known.
    """
    kinds = [template(name) for name in names or catalogue()]
    index = "".join(f'<li><a href="#{kind.name}">{escape(kind.title)}</a></li>' for kind in kinds)
    cards = "".join(_card(kind, site) for kind in kinds)
    return _PAGE.format(title=say("消息一览", "All messages"), index=index, cards=cards)


def _card(kind: Template, site: Site) -> str:
    both = [preview(kind.name, language, site) for language in LANGUAGES]
    facts = " · ".join(value for key, value in both[0].facts().items() if key != "title")
    sides = "".join(_side(seen) for seen in both)
    head = f'<h2>{escape(kind.title)} <code>{kind.name}</code></h2><p class="facts">{escape(facts)}</p>'
    return f'<section id="{kind.name}">{head}<div class="sides">{sides}</div></section>'


def _side(seen: Preview) -> str:
    pieces = []
    if seen.sms:
        parts = say("短信，{} 条", "SMS, parts: {}").format(seen.sms.parts)
        pieces.append(f'<p class="label">{parts}</p><p class="sms">{escape(seen.sms.text)}</p>')
    if seen.mail:
        pieces.append(f'<p class="label">{say("邮件", "e-mail")}</p><p class="subject">{escape(seen.mail.subject)}</p>')
        frame = f'<iframe sandbox="" loading="lazy" title="{seen.template.name}" srcdoc="{escape(seen.mail.html)}">'
        pieces.append(f"{frame}</iframe><details><summary>{say('纯文本', 'text')}</summary>")
        pieces.append(f"<pre>{escape(seen.mail.text)}</pre></details>")
    return f'<div class="side" lang="{seen.language}">{"".join(pieces)}</div>'


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return text.translate(_MARKDOWN)


_PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 0; padding: 24px 16px; background: #f2f0eb; color: #20262d;
  font: 16px/1.6 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }}
main {{ max-width: 1120px; margin: 0 auto; }}
h1 {{ font-size: 26px; }} h2 {{ font-size: 20px; margin: 0; }} code {{ color: #6b737d; font-size: 14px; }}
ul {{ columns: 18em; padding-left: 20px; }} a {{ color: #1f6f5c; }}
section {{ background: #fff; border-radius: 12px; padding: 18px 20px; margin: 18px 0; }}
.facts, .label {{ color: #6b737d; font-size: 14px; margin: 4px 0; }}
.sides {{ display: flex; flex-wrap: wrap; gap: 20px; }} .side {{ flex: 1 1 330px; min-width: 0; }}
.sms {{ background: #dfeee9; border-radius: 12px; padding: 10px 14px; margin: 0 0 10px; overflow-wrap: anywhere; }}
.subject {{ font-weight: bold; margin: 0 0 6px; }}
iframe {{ width: 100%; height: 560px; border: 1px solid #e6e2da; border-radius: 8px; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; font-size: 15px; }}
</style></head>
<body><main><h1>{title}</h1><ul>{index}</ul>{cards}</main></body></html>
"""
