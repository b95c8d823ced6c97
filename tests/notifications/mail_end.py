"""The end of a mail server in a test."""

import gc
import warnings

from aiosmtpd.controller import Controller


def end(controller: Controller, *, secured: bool) -> None:
    """Stop a server, and collect what asyncio leaves of connections whose handshake broke off.

    Its event loop stops before such a socket is closed; the collector would speak of it in the middle of another test.
    """
    controller.stop()
    if secured:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect(1)
