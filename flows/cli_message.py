"""`tuoqi message ...`: what messages say, what became of them, and what staff decide about them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.cli_options import Json, either, of_district
from flows.settings import settings

message = typer.Typer(
    help=either("消息：预览、查询、核实、退订", "messages: preview, look up, settle, opt out"), no_args_is_help=True
)
Key = Annotated[str, typer.Argument(metavar="KEY", help=either("消息键", "key of the message"))]


@message.command(help=either("预览消息；不写名称则列出全部", "look at a message; without a name, list them all"))
@of_district
def preview(
    name: Annotated[str | None, typer.Argument(metavar="NAME")] = None,
    lang: Annotated[
        Literal["zh-CN", "en"] | None, typer.Option("--lang", help=either("消息的语言", "language of the message"))
    ] = None,
    provider: Annotated[
        Literal["aliyun", "tencent"] | None,
        typer.Option("--provider", help=either("显示报该平台审核的模板", "show what to submit to this provider")),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE.html", help=either("写成网页（双语）", "write a page"))
    ] = None,
    as_json: Json = False,
) -> None:
    """Look at a message before anybody gets it."""
    from flows import message_preview, said
    from flows.forms_rows import whole_file
    from flows.outlets import site_of

    site, language = site_of(settings()), lang or message_preview.language_of_run()
    if to:
        page = message_preview.gallery(site, [name] if name else [])
        with whole_file(to) as part:
            part.write_text(page, encoding="utf-8")
        said.done(either("已生成 {}", "wrote {}").format(to))
    elif name is None:
        rows = message_preview.listing(site, language)
        _say({"messages": rows}, message_preview.index(rows), as_json=as_json)
    else:
        told = message_preview.shown(name, language, site, provider)
        _say(told, message_preview.lines(told, provider), as_json=as_json)


@message.command("list", help=either("某人最近的消息及结果", "the last messages to a person"))
@of_district
def listed(ref: Annotated[str, typer.Argument(metavar="REF")], as_json: Json = False) -> None:
    """Show the last messages to a person."""
    from flows import said
    from flows.message_desk import recent_of
    from flows.store import opened

    with opened(settings()) as database:
        said.result(recent_of(database, settings(), ref), as_json=as_json)


@message.command(help=either("列出结果不明的消息", "list messages in doubt"))
@of_district
def unknown(as_json: Json = False) -> None:
    """List messages in doubt."""
    from flows import said
    from flows.message_desk import doubtful
    from flows.store import opened

    with opened(settings()) as database:
        said.result(doubtful(database, settings()), as_json=as_json)


@message.command(help=either("核实后登记：已送达或没有发出", "decide a message in doubt by evidence"))
@of_district
def settle(
    key: Key,
    verdict: Annotated[str, typer.Argument(metavar="delivered|not-sent")],
    as_json: Json = False,
) -> None:
    """Decide a message in doubt."""
    from flows import said
    from flows.message_desk import settle_message
    from flows.store import opened

    with opened(settings()) as database:
        said.result(settle_message(database, settings(), key, verdict), as_json=as_json)


@message.command(help=either("列出没有发出或没有送达的消息", "list messages that failed"))
@of_district
def failed(as_json: Json = False) -> None:
    """List messages that failed."""
    from flows import said
    from flows.message_desk import failed_messages
    from flows.store import opened

    with opened(settings()) as database:
        said.result(failed_messages(database, settings()), as_json=as_json)


@message.command(help=either("原因排除后，让无法发送的消息再试", "let dead messages try again"))
@of_district
def resend(keys: Annotated[list[str], typer.Argument(metavar="KEY...")], as_json: Json = False) -> None:
    """Let dead messages try again."""
    from flows import said
    from flows.message_desk import resend_messages
    from flows.store import opened

    with opened(settings()) as database:
        said.result(resend_messages(database, settings(), keys), as_json=as_json)


@message.command(help=either("登记电话结果", "record a telephone call of the call list"))
@of_district
def called(
    key: Key,
    reached: Annotated[str, typer.Argument(metavar="reached|not-reached")],
    as_json: Json = False,
) -> None:
    """Record a telephone call."""
    from flows import message_desk, said
    from flows.store import opened

    with opened(settings()) as database:
        said.result(message_desk.called(database, settings(), key, reached), as_json=as_json)


@message.command(help=either("取消尚未发出的消息", "cancel messages that have not left"))
@of_district
def cancel(keys: Annotated[list[str], typer.Argument(metavar="KEY...")], as_json: Json = False) -> None:
    """Cancel messages."""
    from flows import said
    from flows.message_desk import cancel_messages
    from flows.store import opened

    with opened(settings()) as database:
        said.result(cancel_messages(database, settings(), keys), as_json=as_json)


@message.command(help=either("登记某人希望的联系方式顺序", "in which order a person wants to be reached"))
@of_district
def prefer(
    ref: Annotated[str, typer.Argument(metavar="REF")],
    channels: Annotated[str, typer.Argument(metavar="email,sms,call")],
    as_json: Json = False,
) -> None:
    """Remember a preference."""
    from flows import said
    from flows.message_desk import prefer_channels
    from flows.store import opened

    with opened(settings()) as database:
        said.result(prefer_channels(database, settings(), ref, channels), as_json=as_json)


@message.command("opt-out", help=either("登记退订", "stop messages to an address"))
@of_district
def opted_out(
    channel: Annotated[str, typer.Argument(metavar="sms|email")],
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    as_json: Json = False,
) -> None:
    """Stop messages to an address."""
    _consent(channel, address, wants=False, as_json=as_json)


@message.command("opt-in", help=either("恢复接收", "let an address have messages again"))
@of_district
def opted_in(
    channel: Annotated[str, typer.Argument(metavar="sms|email")],
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    as_json: Json = False,
) -> None:
    """Let an address have messages again."""
    _consent(channel, address, wants=True, as_json=as_json)


def _consent(channel: str, address: str, *, wants: bool, as_json: bool) -> None:
    from flows import said
    from flows.message_desk import consent
    from flows.store import opened

    with opened(settings()) as database:
        said.result(consent(database, settings(), channel, address, wants=wants), as_json=as_json)


@message.command(help=either("查看未读的短信回复（记入审计）", "read replies that nobody read yet (audited)"))
@of_district
def replies(
    keep: Annotated[bool, typer.Option("--keep", help=either("仍算未读", "leave them unread"))] = False,
    as_json: Json = False,
) -> None:
    """Read replies."""
    from flows import said
    from flows.message_desk import read_replies
    from flows.store import opened

    with opened(settings()) as database:
        said.result(read_replies(database, settings(), keep=keep), as_json=as_json)


def _say(told: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    from flows import said

    if as_json:
        said.result(told, as_json=True)
        return
    for line in lines:
        said.done(line)
