"""What the bank says of a file > a return file: csv with the headers of the register bank-return, or pain.002."""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from html import escape
from io import StringIO
from typing import Literal

from flows.rehearsal_bank.script import PENDING, Answer
from rules.bank import bank_yuan

Form = Literal["csv", "csv-en", "pain.002"]
SUFFIX: dict[Form, str] = {"csv": ".csv", "csv-en": ".csv", "pain.002": ".xml"}
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
_FIELDS = ("key", "fen", "result", "reason", "booked_on")
_HEADERS = ("支付编号", "金额(分)", "结果", "原因", "入账日期")
_STATUS = {"paid": "ACSC", "returned": "RJCT", PENDING: "PDNG"}


def answer_bytes(form: Form, message: str, ref: str, answers: Sequence[Answer], at: datetime) -> bytes:
    """Return the file; `message` is the bank's own name for it, `ref` that of the file it answers."""
    if form == "pain.002":
        return _pain002(message, ref, answers, at)
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_FIELDS if form == "csv-en" else _HEADERS)
    writer.writerows((a.key, a.fen, a.result, a.reason, a.booked_on) for a in answers if a.result != PENDING)
    return text.getvalue().encode("utf-8" if form == "csv-en" else "gb18030")


def _pain002(message: str, ref: str, answers: Sequence[Answer], at: datetime) -> bytes:
    counts, sums = Counter[str](), Counter[str]()
    for answer in answers:
        counts[_STATUS[answer.result]] += 1
        sums[_STATUS[answer.result]] += answer.fen
    stated = "".join(
        f"<NbOfTxsPerSts><DtldNbOfTxs>{counts[status]}</DtldNbOfTxs><DtldSts>{status}</DtldSts>"
        f"<DtldCtrlSum>{bank_yuan(sums[status])}</DtldCtrlSum></NbOfTxsPerSts>"
        for status in sorted(counts)
    )
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}">\n<CstmrPmtStsRpt>\n'
        f"<GrpHdr><MsgId>{message}</MsgId><CreDtTm>{at.isoformat(timespec='seconds')}</CreDtTm></GrpHdr>\n"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{ref}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{stated}"
        f"</OrgnlGrpInfAndSts>\n<OrgnlPmtInfAndSts><OrgnlPmtInfId>{ref}</OrgnlPmtInfId>\n"
    )
    tail = "</OrgnlPmtInfAndSts>\n</CstmrPmtStsRpt>\n</Document>\n"
    return "".join([head, *map(_line, answers), tail]).encode()


def _line(answer: Answer) -> str:
    code, _, name = answer.reason.partition(" ")
    reason = f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn><AddtlInf>{escape(name)}</AddtlInf></StsRsnInf>" if name else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{answer.key}</OrgnlEndToEndId><TxSts>{_STATUS[answer.result]}</TxSts>{reason}"
        f"<FctvIntrBkSttlmDt><Dt>{answer.booked_on}</Dt></FctvIntrBkSttlmDt>"
        f'<OrgnlTxRef><Amt><InstdAmt Ccy="CNY">{bank_yuan(answer.fen)}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>\n'
    )
