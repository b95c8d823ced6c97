"""`tuoqi keys ...`: making the key file, and changing the keys that seal."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli_options import Json, dated, either
from flows.settings import settings

keys = typer.Typer(help=either("密钥：生成、查看、更换、停用", "keys: make, list, change and retire them"))


@keys.callback(invoke_without_command=True)
@dated
def made(
    context: typer.Context,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help=either("生成密钥文件（生产环境首次安装）", "make a key file (first installation)"),
        ),
    ] = None,
) -> None:
    """Make a key file."""
    from flows import said
    from flows.failures import writing
    from flows.key_file import write_keys

    if context.invoked_subcommand is not None:
        return
    if to is None:
        raise typer.BadParameter(either("请写 --to FILE，或 list、new、rotate、retire", "--to FILE, or a command"))
    if to.exists():
        raise typer.BadParameter(either("文件已存在，绝不覆盖密钥", "the file exists; keys are never overwritten"))
    with writing(to):
        write_keys(to)
    said.done(either("已生成 {}；请另存一份到安全的地方", "made {}; keep a copy in a safe place").format(to))


@keys.command("list", help=either("各密钥及其加密的值的个数", "the keys, and how many values each seals"))
@dated
def listed(as_json: Json = False) -> None:
    """List the keys."""
    from flows import said
    from flows.keys import list_keys
    from flows.store import opened

    with opened(settings()) as database:
        said.result(list_keys(database, settings()), as_json=as_json)


@keys.command(help=either("启用一把新密钥（随后备份密钥文件，再执行 rotate）", "put a new key into use; then rotate"))
@dated
def new(as_json: Json = False) -> None:
    """Put a new key into use."""
    from flows import said
    from flows.keys import new_key
    from flows.store import opened

    with opened(settings()) as database:
        said.result(new_key(database, settings()), as_json=as_json)
    if not as_json:
        said.done(
            either(
                "请立即另存密钥文件，再执行 tuoqi keys rotate",
                "keep a copy of the key file now, then run `tuoqi keys rotate`",
            )
        )


@keys.command(help=either("把全部数据改用当前密钥和算法加密；可中断重来", "seal all with the current key and suite"))
@dated
def rotate(as_json: Json = False) -> None:
    """Seal everything with the current key and suite."""
    from flows import keys as rotation
    from flows import said
    from flows.store import opened

    with opened(settings()) as database:
        said.result(rotation.rotate(database, settings()), as_json=as_json)


@keys.command(help=either("停用一把旧密钥，另存到单独的文件", "take an old key out, into a file of its own"))
@dated
def retire(number: Annotated[int, typer.Argument(metavar="KEY")], as_json: Json = False) -> None:
    """Retire an old key."""
    from flows import said
    from flows.keys import retire_key
    from flows.store import opened

    with opened(settings()) as database:
        said.result(retire_key(database, settings(), number), as_json=as_json)
