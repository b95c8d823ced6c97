"""`tuoqi message ...`: what the district's messages say."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from flows.cli_options import Json, dated, either

message = typer.Typer(help=either("消息：预览模板", "messages: look at the templates"), no_args_is_help=True)


@message.callback()
def _group() -> None:
    """Keep the name of the only subcommand."""


@message.command(help=either("预览消息；不写名称则列出全部", "look at a message; without a name, list them all"))
@dated
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
    from flows.failures import writing
    from notifications.rendering import Site

    site, language = Site(), lang or message_preview.language_of_run()
    if to:
        page = message_preview.gallery(site, [name] if name else [])
        with writing(to):
            to.write_text(page, encoding="utf-8")
        said.done(either("已生成 {}", "wrote {}").format(to))
    elif name is None:
        rows = message_preview.listing(site, language)
        _say({"messages": rows}, message_preview.index(rows), as_json=as_json)
    else:
        told = message_preview.shown(name, language, site, provider)
        _say(told, message_preview.lines(told, provider), as_json=as_json)


def _say(told: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    from flows import said

    if as_json:
        said.result(told, as_json=True)
        return
    for line in lines:
        said.done(line)
