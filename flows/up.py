"""Staying up: database migrated (after a backup) -> server, jobs and worker -> the address -> until Ctrl-C."""

from contextlib import suppress

from rich.console import Console

from flows.keep import migrate_database
from flows.service import Service
from flows.settings import Settings
from rules.errors import say


def stay_up(settings: Settings) -> None:
    """Run the service until Ctrl-C, then stop all of it.

    Raises:
        PortTaken, AlreadyUp, ChildDied: with a clear line; nothing is left running.
    """
    console = Console()
    console.print(migrate_database(settings))
    with suppress(KeyboardInterrupt), _service(settings, console) as service:
        page = settings.answer_site
        console.print(
            say(
                f"托起已启动：{service.url}  （按 Ctrl-C 停止；日志在 {settings.folder('logs')}）\n答复页面：{page}",
                f"Tuoqi is up: {service.url}  (Ctrl-C stops it; logs in {settings.folder('logs')})\nAnswers: {page}",
            )
        )
        service.wait()
    console.print(say("已全部停止", "everything is stopped"))


def _service(settings: Settings, console: Console) -> Service:
    return Service(settings, answer_port=settings.answer_port, progress=console.print)
