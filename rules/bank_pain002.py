"""A bank's answer as ISO 20022 pain.002 回执 -> lines of the register bank-return, one by one, in little memory.

Paid is only what was settled or credited, returned only what was rejected or cancelled; everything else is on its way
and no result: counted, told, and left as it was. Source: pain.002.001.10 and ISO's external status and reason codes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NoReturn
from xml.etree.ElementTree import Element

from rules.bank import LONGEST_KEY, bank_fen, bank_yuan
from rules.bank_reasons import reason_text
from rules.bank_xml import elements, leaf, leaves, local, namespace
from rules.errors import TuoqiError, shown
from rules.registers.days import SHANGHAI
from rules.registers.shape import shorten

Result = Literal["paid", "returned"]
RESULTS: Mapping[str, Result] = {"ACSC": "paid", "ACCC": "paid", "RJCT": "returned", "CANC": "returned"}
NO_RESULTS = frozenset(
    ("ACCP", "ACFC", "ACIS", "ACPD", "ACSP", "ACTC", "ACWC", "ACWP", "BLCK", "CPUC", "PATC", "PDNG", "PRES", "RCVD")
)
"""Received, checked, accepted, blocked, pending: the money may still go either way."""
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.002.001."
_WHOLE = {"GrpHdr", "OrgnlGrpInfAndSts", "TxInfAndSts", "NbOfTxsPerSts", "StsRsnInf"}
_Stated = tuple[str, str, str]  # a status, the count and the sum that the report states of it, as texts


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """What the bank says of one payment; a row of the register bank-return.

    Attributes:
        key: ours, or what the bank thinks is ours.
        fen: the amount that was settled, or that was instructed where nothing was.
        result: paid or returned.
        reason: of a return, code and Chinese name; "" for paid.
        booked_on: the day of settlement, else of acceptance, else of the report.
    """

    key: str
    fen: int
    result: Result
    reason: str
    booked_on: date


@dataclass(eq=False)
class BankReportRefused(TuoqiError):
    """The report is not what it should be, or its numbers do not agree with its lines; nothing of it counts."""

    line: int
    zh_why: str
    en_why: str
    zh = "银行回执第 {line} 笔附近有误：{zh_why}；全部没有采用，请向银行重新索取。"
    en = "the bank's report is wrong near payment {line}: {en_why}; nothing was used, ask the bank for another."


@dataclass
class StatusReport:
    """One pain.002 while it is read: `for line in report.lines(pieces)`; the attributes are complete at the end.

    Attributes:
        ref: of our file that is answered (OrgnlMsgId).
        message: the bank's own id of the report.
        original_count: of our file, as the bank repeats it; None if it does not. The caller compares.
        original_fen: the same for the total.
        listed: how many lines there are of each status.
        fen: their sums.
    """

    ref: str = ""
    message: str = ""
    original_count: int | None = None
    original_fen: int | None = None
    listed: Counter[str] = field(default_factory=Counter)
    fen: Counter[str] = field(default_factory=Counter)
    _created: date | None = None
    _said: list[_Stated] = field(default_factory=list)
    _said_of_all: list[_Stated] = field(default_factory=list)
    _block: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))

    @property
    def count(self) -> int:
        """How many payments the report lists, results or not."""
        return self.listed.total()

    @property
    def skipped(self) -> Counter[str]:
        """Lines that are no result yet, by status."""
        return Counter({status: count for status, count in self.listed.items() if status not in RESULTS})

    def lines(self, pieces: Iterable[bytes]) -> Iterator[ReturnLine]:
        """Yield the results in the order of the report. An error may come after some; keep nothing before the end.

        Args:
            pieces: the file, cut anywhere.

        Raises:
            BankReportRefused: not a pain.002, an unknown status, a result without key, yuan or day, or numbers that
                do not agree.
            XmlDamaged, XmlSuspicious: see bank_xml.
        """
        for element in elements(pieces, lambda each: local(each) in _WHOLE, depth=3):
            if not namespace(element).startswith(_NAMESPACE):
                self._refuse("不是 pain.002 报文", "this is no pain.002")
            if local(element) == "TxInfAndSts":
                line = self._line(element)
                if line:
                    yield line
            else:
                self._note(element)
        if not self.ref:
            self._refuse("没有注明原报文号", "it does not say which file it answers")
        if not self.count:
            self._refuse("没有逐笔结果", "it lists no payments one by one")

    def _note(self, element: Element) -> None:
        """Keep what surrounds the lines, and compare where a block or the whole ends."""
        match local(element):
            case "GrpHdr":
                self.message = leaf(element, "MsgId")
                self._created = self._day(leaf(element, "CreDtTm"))
            case "OrgnlGrpInfAndSts":
                self.ref = leaf(element, "OrgnlMsgId")
                count, total = leaf(element, "OrgnlNbOfTxs"), leaf(element, "OrgnlCtrlSum")
                self.original_count = self._number(count) if count else None
                self.original_fen = self._fen(total) if total else None
                self._said_of_all = [self._stated(each) for each in element if local(each) == "NbOfTxsPerSts"]
            case "NbOfTxsPerSts":
                self._said.append(self._stated(element))
            case "OrgnlPmtInfAndSts":
                self._compare(self._said, *self._block)
                self._said, self._block = [], (Counter(), Counter())
            case "CstmrPmtStsRpt":
                self._compare(self._said_of_all, self.listed, self.fen)

    @staticmethod
    def _stated(element: Element) -> _Stated:
        told = leaves(element)
        return shorten(shown(told.get("DtldSts", ""))), told.get("DtldNbOfTxs", ""), told.get("DtldCtrlSum", "")

    def _compare(self, said: list[_Stated], listed: Counter[str], fen: Counter[str]) -> None:
        """What the report states of a status must be what it lists."""
        for status, count, total in said:
            if self._number(count) != listed[status]:
                self._refuse(
                    f"{status} 应有 {count} 笔，实有 {listed[status]} 笔",
                    f"it states {count} of {status} and lists {listed[status]}",
                )
            if total and self._fen(total) != fen[status]:
                self._refuse(
                    f"{status} 金额合计应为 {total}，实为 {bank_yuan(fen[status])}",
                    f"it states {total} yuan of {status} and lists {bank_yuan(fen[status])}",
                )

    def _line(self, element: Element) -> ReturnLine | None:
        status, key = leaf(element, "TxSts"), leaf(element, "OrgnlEndToEndId")
        if status not in RESULTS and status not in NO_RESULTS:
            self._refuse("没有状态，或状态不认识", "its status is missing or unknown")
        fen = self._amount(element)
        for counts, sums in ((self.listed, self.fen), self._block):
            counts[status] += 1
            sums[status] += fen or 0
        if status not in RESULTS:
            return None
        if not 0 < len(key) <= LONGEST_KEY or not fen:
            self._refuse("没有流水号或金额", "it has no key or no amount")
        assert fen is not None
        result = RESULTS[status]
        reason = reason_text(*self._reason(element)) if result == "returned" else ""
        return ReturnLine(key, fen, result, reason, self._booked(element))

    def _amount(self, element: Element) -> int | None:
        """The amount that was settled, else the one instructed, in fen; None if the bank repeats neither."""
        original = next((child for child in element if local(child) == "OrgnlTxRef"), None)
        found = {local(each): each for each in original.iter()} if original is not None else {}
        amount = found.get("IntrBkSttlmAmt", found.get("InstdAmt"))
        if amount is None:
            return None
        if amount.get("Ccy") != "CNY":
            self._refuse("币种不是人民币", "it is not in yuan")
        return self._fen((amount.text or "").strip())

    @staticmethod
    def _reason(element: Element) -> tuple[str, str]:
        """The reason's code and its free name."""
        for each in element:
            if local(each) == "StsRsnInf":
                return leaf(each, "Rsn", "Cd"), leaf(each, "Rsn", "Prtry")
        return "", ""

    def _booked(self, element: Element) -> date:
        settled = leaf(element, "FctvIntrBkSttlmDt", "Dt") or leaf(element, "FctvIntrBkSttlmDt", "DtTm")
        said = settled or leaf(element, "AccptncDtTm")
        if said:
            return self._day(said)
        if self._created is None:
            self._refuse("没有日期", "it has no day")
        assert self._created is not None
        return self._created

    def _day(self, text: str) -> date:
        """The day in Shanghai of an ISO day or instant; without an offset it is wall time there."""
        try:
            if len(text) == len("2026-10-18"):
                return date.fromisoformat(text)
            moment = datetime.fromisoformat(text)
        except ValueError:
            self._refuse("日期有误", "it has a day that is none")
        return (moment.astimezone(SHANGHAI) if moment.tzinfo else moment).date()

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            self._refuse("笔数有误", "it has a count that is none")
        return int(text)

    def _fen(self, text: str) -> int:
        try:
            return bank_fen(text)
        except ValueError:
            self._refuse("金额有误", "it has an amount that is none")

    def _refuse(self, zh: str, en: str) -> NoReturn:
        raise BankReportRefused(self.count + 1, zh, en)
