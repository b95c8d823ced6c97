"""`python -m flows.rehearsal_bank FOLDER COMMAND`: the rehearsed bank as a process; prints JSON."""

import argparse
import json
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import yaml

from flows.rehearsal_bank.answers import SUFFIX
from flows.rehearsal_bank.bank import InProduction, RehearsalBank
from flows.rehearsal_bank.script import Script
from policies.bank_forms import bank_form


def main() -> int:
    """Do one thing, or serve until told to stop; 1 in production."""
    wanted = _parser().parse_args()
    block = yaml.safe_load(wanted.form.read_text(encoding="utf-8"))
    script = Script.of(json.loads(wanted.script.read_text(encoding="utf-8"))) if wanted.script else None
    clock = {"clock": lambda: wanted.at} if wanted.at else {}
    try:
        bank = RehearsalBank(
            wanted.folder, bank_form(block.get("bank", block)), script, deduplicate=wanted.deduplicate,
            outbox=wanted.outbox, **clock,
        )  # fmt: skip
    except InProduction as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    commands: dict[str, Callable[[], Any]] = {
        "take": lambda: [taken.name for taken in bank.take_all()],
        "reply": lambda: [path.name for path in bank.reply(wanted.answers)],
        "later": lambda: [path.name for path in bank.reply_later(wanted.answers)],
        "ask": lambda: [path.name for path in bank.ask(wanted.ref, wanted.answers)],
        "totals": lambda: {"fen": bank.totals().fen, "by_key": bank.totals().by_key},
        "serve": lambda: _serve(bank, wanted),
    }
    sys.stdout.write(json.dumps(commands[wanted.command](), ensure_ascii=False) + "\n")
    return 0


def _serve(bank: RehearsalBank, wanted: argparse.Namespace) -> str:
    """Take and answer whatever comes, until a signal."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sys.stdout.write(json.dumps({"outbox": str(bank.outbox), "returns": str(bank.returns)}) + "\n")
    sys.stdout.flush()
    while True:
        stopping = stop.wait(wanted.every)
        bank.take_all()
        bank.reply(wanted.answers)
        if stopping:
            return "stopped"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flows.rehearsal_bank", description=__doc__)
    parser.add_argument("folder", type=Path, help="the bank's own folder")
    parser.add_argument("command", choices=("take", "reply", "later", "ask", "totals", "serve"))
    parser.add_argument("ref", nargs="?", default="", help="of the file to ask after")
    parser.add_argument("--form", type=Path, required=True, help="the block `bank` of policy, as YAML")
    parser.add_argument("--script", type=Path, help="what goes wrong, as JSON")
    parser.add_argument("--outbox", type=Path, help="instead of FOLDER/outbox")
    parser.add_argument("--answers", choices=tuple(SUFFIX), default="csv")
    parser.add_argument("--deduplicate", action="store_true", help="pay a key once, however often it comes")
    parser.add_argument("--at", type=datetime.fromisoformat, help="an aware instant in place of the clock")
    parser.add_argument("--every", type=float, default=0.05, help="seconds between two looks at the outbox")
    return parser


if __name__ == "__main__":
    sys.exit(main())
