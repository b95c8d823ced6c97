"""Prefect's server on SQLite: what it throws away is collected in a thread of its own.

A cursor that is thrown away must wait for the statement that its connection is at; on a locked database that is up to a
minute. Where the collector runs in the event loop, nothing goes on meanwhile, neither does the request that holds the
lock: all stood still for 60 s, in three starts of ten. A thread may wait (docs/decisions/0038).

Run as `python -m flows.server`, with the words of `prefect server start`.
"""

import gc
import itertools
import runpy
import sys
import threading
from time import sleep

YOUNG_S = 10
WHOLE = 30
"""After so many looks at what is young one at everything: 0.3 s, for which all others stand still."""


def collect_forever() -> None:
    """Do the work of the collector while it is off; should this end, it goes on by itself."""
    gc.disable()
    try:
        for number in itertools.count(1):
            sleep(YOUNG_S)
            gc.collect(1 if number % WHOLE else 2)
    finally:
        gc.enable()


if __name__ == "__main__":
    threading.Thread(target=collect_forever, daemon=True).start()
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)
