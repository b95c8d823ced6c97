"""A pay list as ISO 20022 pain.001.001.09, and back. The message's id is the file's reference, EndToEndId our key.

Source: the published schema pain.001.001.09; of it only what a credit transfer in yuan needs.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from html import escape
from itertools import chain
from xml.etree.ElementTree import Element

from rules.bank import BankForm, NotOurFile, PayLine, PayList, bank_fen, bank_yuan, is_cnaps
from rules.bank_checks import checked
from rules.bank_xml import elements, leaf, local, namespace
from rules.collector import collector_paused
from rules.registers.days import SHANGHAI

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_IN = f"{{{NAMESPACE}}}"
_WHOLE = {"GrpHdr", "CdtTrfTxInf", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt"}


def pain001_bytes(listed: PayList, form: BankForm) -> bytes:
    """Return the message in UTF-8; the same list and form give the same bytes.

    Raises:
        PayListRefused: a line cannot be written.
    """
    checked(listed, form)
    parts = chain(
        [_head(listed, form)], map(_transfer, listed.lines), ["</PmtInf>\n</CstmrCdtTrfInitn>\n</Document>\n"]
    )
    return b"".join(
        part.encode() for part in parts
    )  # as one text, one rare character would make it four times as large


def _head(listed: PayList, form: BankForm) -> str:
    debtor = form.debtor
    created = listed.created.astimezone(SHANGHAI).isoformat(timespec="seconds")
    sums = f"<NbOfTxs>{len(listed.lines)}</NbOfTxs><CtrlSum>{bank_yuan(listed.fen)}</CtrlSum>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="{NAMESPACE}">\n<CstmrCdtTrfInitn>\n'
        f"<GrpHdr><MsgId>{listed.ref}</MsgId><CreDtTm>{created}</CreDtTm>{sums}"
        f"<InitgPty><Nm>{_text(debtor.name)}</Nm></InitgPty></GrpHdr>\n"
        f"<PmtInf><PmtInfId>{listed.ref}</PmtInfId><PmtMtd>TRF</PmtMtd>{sums}"
        f"<ReqdExctnDt><Dt>{listed.pay_on}</Dt></ReqdExctnDt>"
        f"<Dbtr><Nm>{_text(debtor.name)}</Nm></Dbtr><DbtrAcct>{_account(debtor.account)}</DbtrAcct>"
        f"<DbtrAgt>{_agent(debtor.bank)}</DbtrAgt>\n"
    )


def _transfer(line: PayLine) -> str:
    agent = f"<CdtrAgt>{_agent(line.bank)}</CdtrAgt>" if line.bank else ""
    note = f"<RmtInf><Ustrd>{_text(line.note)}</Ustrd></RmtInf>" if line.note else ""
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{line.key}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="CNY">{bank_yuan(line.fen)}</InstdAmt></Amt>{agent}'
        f"<Cdtr><Nm>{_text(line.name)}</Nm></Cdtr><CdtrAcct>{_account(line.account)}</CdtrAcct>{note}</CdtTrfTxInf>\n"
    )


def _account(number: str) -> str:
    return f"<Id><Othr><Id>{number}</Id></Othr></Id>"


def _agent(bank: str) -> str:
    if not is_cnaps(bank):
        return f"<FinInstnId><Nm>{_text(bank)}</Nm></FinInstnId>"
    return (
        "<FinInstnId><ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId>"
        f"<MmbId>{bank}</MmbId></ClrSysMmbId></FinInstnId>"
    )  # fmt: skip


def _text(text: str) -> str:
    return escape(text, quote=False)


def read_pain001(pieces: Iterable[bytes]) -> PayList:
    """Read a message of ours back; the count and the sum it states must be those of its lines.

    Raises:
        NotOurFile: another message, or the numbers do not agree.
        XmlDamaged, XmlSuspicious: see bank_xml.
    """
    lines, heads = list[PayLine](), dict[str, Element]()
    with collector_paused():
        for element in elements(pieces, lambda each: local(each) in _WHOLE, depth=3):
            if namespace(element) != NAMESPACE:
                raise NotOurFile("不是 pain.001.001.09", "it is no pain.001.001.09")
            if local(element) == "CdtTrfTxInf":
                lines.append(_line(len(lines) + 1, element))
            elif local(element) in _WHOLE:
                heads[local(element)] = element
    if not {"GrpHdr", "ReqdExctnDt"} <= set(heads):
        raise NotOurFile("缺少报文头", "it has no header")
    head = heads["GrpHdr"]
    total = sum(line.fen for line in lines)
    if (leaf(head, "NbOfTxs"), leaf(head, "CtrlSum")) != (str(len(lines)), bank_yuan(total)):
        raise NotOurFile("笔数或金额合计与明细不符", "count or sum is not that of the lines")
    created, pay_on = leaf(head, "CreDtTm"), leaf(heads["ReqdExctnDt"], "Dt")
    return PayList(leaf(head, "MsgId"), datetime.fromisoformat(created), date.fromisoformat(pay_on), lines)


def _line(number: int, element: Element) -> PayLine:
    amount = element.find(f"{_IN}Amt/{_IN}InstdAmt")
    if amount is None or amount.get("Ccy") != "CNY":
        raise NotOurFile(f"第 {number} 笔没有人民币金额", f"line {number} has no amount in yuan")
    try:
        fen = bank_fen(amount.text or "")
    except ValueError:
        raise NotOurFile(f"第 {number} 笔金额有误", f"line {number} has no amount") from None
    agent = ("CdtrAgt", "FinInstnId")
    return PayLine(
        key=leaf(element, "PmtId", "EndToEndId"),
        name=leaf(element, "Cdtr", "Nm"),
        account=leaf(element, "CdtrAcct", "Id", "Othr", "Id"),
        bank=leaf(element, *agent, "ClrSysMmbId", "MmbId") or leaf(element, *agent, "Nm"),
        fen=fen,
        note=leaf(element, "RmtInf", "Ustrd"),
    )


def pieces_of(content: bytes, size: int = 64 * 1024) -> Iterator[bytes]:
    """Cut what is in memory into pieces for a reader."""
    return (content[start : start + size] for start in range(0, len(content), size))
