"""The bank, rehearsed: a file in its outbox > moved away, so that it is taken once > read > booked > answered."""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from flows.bank_files import read_bank_bytes
from flows.rehearsal_bank.answers import SUFFIX, Form, answer_bytes
from flows.rehearsal_bank.ledger import Ledger, Taken, Totals
from flows.rehearsal_bank.script import FIRST, LATER, Script
from rules.bank import BankForm, PayLine, file_ref
from rules.errors import TuoqiError
from rules.registers.days import SHANGHAI


@dataclass(eq=False)
class InProduction(TuoqiError):
    """A rehearsal would take the files and pay nobody."""

    zh = "当前为生产环境，不能使用银行演练；请在开发或测试环境运行（TUOQI_ENVIRONMENT=development）。"
    en = "this is production: no rehearsal of the bank; run it with TUOQI_ENVIRONMENT=development."


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


class RehearsalBank:
    """A bank in a folder; several may look at one folder, as long as one process at a time takes files.

    Attributes:
        outbox: where we hand files in; a name may come again, and is another hand-in then.
        returns: where its answers appear, whole or not at all.
        deduplicate: a key that was handed in before is not paid again; without it, it is, as with real banks.
    """

    def __init__(
        self,
        folder: Path,
        form: BankForm,
        script: Script | None = None,
        *,
        deduplicate: bool = False,
        outbox: Path | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Open the bank, with the files it took before.

        Args:
            folder: its own; made if it is not there.
            form: the form of the files it takes.
            script: what goes wrong; nothing without it.
            deduplicate: see above.
            outbox: instead of `outbox` in the folder.
            clock: aware; the days of booking are its, in Shanghai.

        Raises:
            InProduction: in production.
        """
        if os.environ.get("TUOQI_ENVIRONMENT", "").strip().lower() == "production":
            raise InProduction
        self.outbox, self.returns, self._taken = outbox or folder / "outbox", folder / "returns", folder / "taken"
        for each in (self.outbox, self.returns, self._taken):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.deduplicate, self._form, self._script, self._clock = deduplicate, form, script or Script(), clock
        self._ledger = Ledger(folder / "bank.db")

    def hand_in(self, content: bytes, name: str) -> Taken:
        """Hand a file in and let the bank take what is there; returns what became of this one."""
        part = self.outbox / f".{name}.part"
        part.write_bytes(content)
        part.replace(self.outbox / name)
        return next(taken for taken in self.take_all()[::-1] if taken.name[7:] == name)

    def take_all(self) -> list[Taken]:
        """Take and book every file in the outbox, by name, and what a killed bank had taken and not booked.

        Files that start with a dot are still being written. What cannot be read is taken with its problem, unpaid.
        """
        number = max((int(path.name[:6]) for path in self._taken.iterdir()), default=0)
        waiting = sorted(path for path in self.outbox.iterdir() if path.is_file() and not path.name.startswith("."))
        for number, path in enumerate(waiting, start=number + 1):  # noqa: B020 - goes on counting
            path.replace(self._taken / f"{number:06}-{path.name}")
        booked = {taken.name for taken in self._ledger.files()}
        return [self._book(path) for path in sorted(self._taken.iterdir()) if path.name not in booked]

    def _book(self, path: Path) -> Taken:
        content, at = path.read_bytes(), self._clock()
        taken = Taken(path.name, "", hashlib.sha256(content).hexdigest(), at.isoformat())
        try:
            lines = read_bank_bytes(content, self._form)
        except TuoqiError as error:
            taken = replace(taken, problem=str(error))
            self._ledger.book(taken, (), ())
            return taken
        lost = len(self._ledger.files()) < self._script.lost
        taken = replace(taken, ref=file_ref(lines[0].key) if lines else "", lost=lost)
        day, new = at.astimezone(SHANGHAI).date(), self._new(lines)
        credited = [line for line in new if not self._script.refusal(line)]
        answers = chain.from_iterable(self._script.answers(line, day) for line in new)
        self._ledger.book(taken, credited, chain(answers, self._script.strange(taken.ref, lines, day)))
        return taken

    def _new(self, lines: Sequence[PayLine]) -> Sequence[PayLine]:
        """The lines the bank acts on: all, or with deduplication those whose key it never saw."""
        if not self.deduplicate:
            return lines
        known = self._ledger.known()
        return list({line.key: line for line in reversed(lines) if line.key not in known}.values())[::-1]

    def reply(self, form: Form = "csv") -> list[Path]:
        """Write the answers to files taken since the last reply, except the lost; one file for each."""
        return [self._say(taken, FIRST, form) for taken in self._ledger.due(FIRST)]

    def reply_later(self, form: Form = "csv") -> list[Path]:
        """Write what comes days later: late lines, and what was paid and came back, which leaves the ledger now."""
        return [self._say(taken, LATER, form) for taken in self._ledger.due(LATER)]

    def ask(self, ref: str, form: Form = "csv") -> list[Path]:
        """Ask after a file: its first answer once more for each time the bank acted on it; none if it never did."""
        return [self._say(taken, FIRST, form) for taken in self._ledger.answered(ref)]

    def _say(self, taken: Taken, which: int, form: Form) -> Path:
        at = self._clock()
        message = f"R{taken.name[:6]}-{which}"
        answers = self._ledger.tell(taken.name, which, at.isoformat())
        path = self.returns / f"{message}{SUFFIX[form]}"
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(answer_bytes(form, message, taken.ref, answers, at))
        part.replace(path)
        return path

    def files(self) -> list[Taken]:
        """What it took, oldest first."""
        return self._ledger.files()

    def totals(self) -> Totals:
        """What it really paid, to the fen."""
        return self._ledger.totals()
