"""Run as `python -m flows.answer_page`, by `tuoqi up` or a service manager: database open -> serve -> until Ctrl-C."""

import sys
from contextlib import suppress

import uvicorn

from flows.answer_page.app import answer_app
from flows.answer_page.callbacks import ALIYUN_YES, TENCENT_YES, Callbacks, Provider
from flows.outlets import callers
from flows.settings import Settings, settings
from flows.store import opened
from notifications.receipts import store_reports
from rules.errors import TuoqiError

AT_ONCE = 64
"""Connections beyond these are told to come again; a page takes some milliseconds."""
GRACE_S = 5


def serve() -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        TuoqiError: settings, keys or database will not do.
    """
    chosen = settings()
    with opened(chosen) as database:
        config = uvicorn.Config(
            answer_app(database, chosen, callbacks=callbacks_of(chosen)),
            host=chosen.answer_bind,
            port=chosen.answer_port,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,  # the code in an address is a key: it belongs into no log
            proxy_headers=False,  # uvicorn would trust the whole loopback; we trust the one proxy that is set
            server_header=False,
            limit_concurrency=AT_ONCE,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=GRACE_S,
        )
        with suppress(KeyboardInterrupt):  # uvicorn repeats the signal when it has closed
            uvicorn.Server(config).run()


def callbacks_of(chosen: Settings) -> Callbacks:
    """Let the SMS providers of the settings call; receipts go where polled ones go."""
    yes = {"aliyun": ALIYUN_YES, "tencent": TENCENT_YES}
    known = {
        name: Provider(caller.parse_reports, caller.parse_replies, yes[name])
        for name, caller in callers(chosen).items()
    }
    return Callbacks(known, store_reports)


if __name__ == "__main__":
    try:
        serve()
    except TuoqiError as refused:
        sys.exit(str(refused))
