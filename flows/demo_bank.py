"""The demo's bank: it takes what is in outbox/bank, answers in its own time, and keeps books that are not ours.

Of the first file three lines come back, one is said one fen off, one twice, and one is answered days later.
"""

import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flows.bank_files import read_bank_bytes
from flows.demo_stage import Stage
from flows.rehearsal_bank import RehearsalBank, Script
from policies.allowances import allowances
from rules.bank import BankForm, PayLine
from rules.registers.days import day_of


@dataclass
class Bank:
    """A rehearsed bank beside the demo's folders; `lines` are of the first file, by key."""

    stage: Stage
    form: BankForm
    lines: dict[str, PayLine] = field(default_factory=dict, repr=False)
    script: Script = field(default_factory=Script, repr=False)
    content: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, stage: Stage, at: str) -> "Bank":
        """The bank whose form of files the policy has."""
        return cls(stage, allowances(day_of(at[:10]), stage.settings.policy).bank)

    def take(self, at: str) -> None:
        """Take the files that were handed in; of the first, choose what goes wrong."""
        if not self.lines:
            (path,) = (self.stage.settings.folder("outbox") / "bank").glob("DF_*")
            self.content = path.read_bytes()
            self.lines = {line.key: line for line in read_bank_bytes(self.content, self.form)}
            self.script = _script([*self.lines.values()])
        self._open(at).take_all()

    def answer(self, at: str, *, later: bool = False) -> int:
        """Lay its answers into our inbox; return how many files."""
        bank = self._open(at)
        inbox = self.stage.settings.folder("inbox") / "bank"
        inbox.mkdir(mode=0o700, exist_ok=True)
        answers = bank.reply_later() if later else bank.reply()
        for path in answers:
            shutil.copy(path, inbox / path.name)
        return len(answers)

    def paid(self, at: str) -> dict[str, int]:
        """What it really paid, in fen by key."""
        return dict(self._open(at).totals().by_key)

    def key_of(self, account: str) -> str:
        """The key of the first file that pays an account."""
        return next(key for key, line in self.lines.items() if line.account == account)

    def _open(self, at: str) -> RehearsalBank:
        folder: Path = self.stage.settings.var_dir / "bank"
        outbox = self.stage.settings.folder("outbox") / "bank"
        return RehearsalBank(folder, self.form, self.script, outbox=outbox, clock=lambda: datetime.fromisoformat(at))


def _script(lines: list[PayLine]) -> Script:
    """Choose six people by their place in the file; nobody who shares an account."""
    count = len(lines)
    chosen = [lines[count * place // 7].account for place in range(1, 7)]
    returned = dict(zip(chosen[:3], ("AC04", "AC01", "AC06"), strict=True))
    return Script(returned=returned, off=(chosen[3],), twice=(chosen[4],), late=(chosen[5],))
