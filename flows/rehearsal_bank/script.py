"""What goes wrong at the bank, by rule: the ending of an account decides, so that every run goes the same way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from rules.bank import PayLine, file_key
from rules.bank_reasons import reason_text

FIRST, LATER = 1, 2
PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bank will say of a payment, in which round; `recalls` takes the money back when it is said 退汇."""

    round: int
    key: str
    account: str = field(repr=False)
    fen: int
    result: str
    reason: str
    booked_on: date
    recalls: int = 0


@dataclass(frozen=True)
class Script:
    """Endings of accounts, and what becomes of payments to them; all others are paid and said to be.

    Attributes:
        returned: not paid and returned, for the reason code given: {"7": "AC04"}.
        late: paid, but said so only in the later round.
        twice: paid once, said twice in one file.
        off: paid right, said to be one fen more.
        recalled: paid and said so, then returned in the later round 退汇.
        strangers: so many lines with keys that nobody handed in, in each first answer.
        lost: the answers to so many first files are lost until somebody asks.
    """

    returned: Mapping[str, str] = field(default_factory=dict)
    late: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    recalled: tuple[str, ...] = ()
    strangers: int = 0
    lost: int = 0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Read a script from JSON of the same names; TypeError for others."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
        }
        return cls(**plain)

    def refusal(self, line: PayLine) -> str:
        """The reason code for which a payment is returned at once, "" if it is paid."""
        return next((code for ending, code in self.returned.items() if line.account.endswith(ending)), "")

    def answers(self, line: PayLine, day: date) -> Iterator[Answer]:
        """Yield what will be said of a line."""
        account, key = line.account, line.key
        if code := self.refusal(line):
            yield Answer(FIRST, key, account, line.fen, "returned", reason_text(code), day)
            return
        late, off = account.endswith(self.late), account.endswith(self.off)
        paid = Answer(LATER if late else FIRST, key, account, line.fen + off, "paid", "", day)
        if late:
            yield Answer(FIRST, key, account, line.fen, PENDING, "", day)
        yield paid
        if account.endswith(self.twice):
            yield paid
        if account.endswith(self.recalled):
            yield Answer(LATER, key, account, line.fen, "returned", reason_text("AC06"), day, recalls=line.fen)

    def strange(self, ref: str, lines: Sequence[PayLine], day: date) -> Iterator[Answer]:
        """Yield what the bank says of payments that nobody ordered; it did not make them either."""
        for number in range(self.strangers):
            key = file_key(ref, 9_000_001 + number)
            yield Answer(FIRST, key, "", lines[number % len(lines)].fen, "paid", "", day)
