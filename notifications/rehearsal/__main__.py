"""`python -m notifications.rehearsal`: the server as a process; prints its URL, ends on SIGTERM or SIGINT."""

import argparse
import json
import signal
import sys
from pathlib import Path
from threading import Event

from notifications.rehearsal.account import read_account
from notifications.rehearsal.server import NotInProduction, Rehearsal


def main() -> int:
    """Serve until told to stop; 1 in production."""
    parser = argparse.ArgumentParser(prog="python -m notifications.rehearsal", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ledger", type=Path, help="JSON lines, appended to")
    parser.add_argument("--account", type=Path, help="keys, signs and templates as JSON")
    wanted = parser.parse_args()
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        rehearsal = Rehearsal(
            read_account(wanted.account) if wanted.account else None, ledger=wanted.ledger, port=wanted.port
        )
    except NotInProduction as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    with rehearsal:
        sys.stdout.write(json.dumps({"url": rehearsal.url}) + "\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
