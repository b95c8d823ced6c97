"""pain.002: what is a result and what is not, reasons, days, and numbers that must agree. Samples are by hand."""

from collections import Counter
from datetime import date

import pytest

from rules.bank_pain002 import NO_RESULTS, RESULTS, BankReportRefused, ReturnLine, StatusReport
from rules.bank_reasons import reason_text
from rules.bank_xml import XmlSuspicious

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">
<CstmrPmtStsRpt>
<GrpHdr><MsgId>BANK-77</MsgId><CreDtTm>2026-10-17T23:30:00Z</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>F-7K3Q-9XM1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>
<OrgnlNbOfTxs>4</OrgnlNbOfTxs><OrgnlCtrlSum>300.04</OrgnlCtrlSum>{all}</OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>F-7K3Q-9XM1</OrgnlPmtInfId>{block}
"""
TAIL = "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"


def line(number: int, status: str, yuan: str = "60.00", more: str = "", *, date_: str = "") -> str:
    settled = f"<FctvIntrBkSttlmDt><Dt>{date_}</Dt></FctvIntrBkSttlmDt>" if date_ else ""
    return (
        f"<TxInfAndSts><StsId>S{number}</StsId><OrgnlEndToEndId>F7K3Q9XM1-{number:07}</OrgnlEndToEndId>"
        f"<TxSts>{status}</TxSts>{more}{settled}"
        f'<OrgnlTxRef><Amt><InstdAmt Ccy="CNY">{yuan}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>\n'
    )


def reason(code: str) -> str:
    return f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn><AddtlInf>张三的账户</AddtlInf></StsRsnInf>"


def stated(status: str, count: int | str, total: str = "") -> str:
    sum_ = f"<DtldCtrlSum>{total}</DtldCtrlSum>" if total else ""
    return f"<NbOfTxsPerSts><DtldNbOfTxs>{count}</DtldNbOfTxs><DtldSts>{status}</DtldSts>{sum_}</NbOfTxsPerSts>"


def report(*lines: str, all_: str = "", block: str = "") -> str:
    return HEAD.format(all=all_, block=block) + "".join(lines) + TAIL


def read(text: str, size: int = 1000) -> tuple[StatusReport, list[ReturnLine]]:
    status, content = StatusReport(), text.encode()
    return status, list(status.lines(content[at : at + size] for at in range(0, len(content), size)))


MIXED = report(
    line(1, "ACSC", date_="2026-10-16"),
    line(2, "RJCT", "80.01", reason("AC04"), date_="2026-10-16"),
    line(3, "PDNG", "100.00"),
    line(4, "ACCC", "60.03"),
    all_=stated("ACSC", 1, "60") + stated("RJCT", 1, "80.01") + stated("PDNG", 1) + stated("ACCC", 1),
    block=stated("ACSC", 1),
)


@pytest.mark.parametrize("size", [1, 333, 100_000])
def test_a_report_gives_its_results_and_tells_what_is_none(size: int) -> None:
    status, lines = read(MIXED, size)
    assert lines == [
        ReturnLine("F7K3Q9XM1-0000001", 6000, "paid", "", date(2026, 10, 16)),
        ReturnLine("F7K3Q9XM1-0000002", 8001, "returned", "AC04 账户已销户", date(2026, 10, 16)),
        # no day of its own: the report's, 23:30 in Greenwich, is the next morning in Shanghai
        ReturnLine("F7K3Q9XM1-0000004", 6003, "paid", "", date(2026, 10, 18)),
    ]
    assert (status.ref, status.message) == ("F-7K3Q-9XM1", "BANK-77")
    assert (status.original_count, status.original_fen) == (4, 30004)
    assert (status.count, status.skipped) == (4, Counter(PDNG=1))


@pytest.mark.parametrize("status", sorted(NO_RESULTS))
def test_money_on_its_way_is_no_result(status: str) -> None:
    told, lines = read(report(line(1, status)))
    assert (lines, told.skipped) == ([], Counter({status: 1}))


@pytest.mark.parametrize(("status", "result"), sorted(RESULTS.items()))
def test_settled_is_paid_and_rejected_is_returned(status: str, result: str) -> None:
    assert [each.result for each in read(report(line(1, status)))[1]] == [result]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        pytest.param(reason("BE01"), "BE01 户名与账号不符", id="a code"),
        pytest.param(reason("ZZ99"), "ZZ99", id="a code nobody knows"),
        pytest.param("<StsRsnInf><Rsn><Prtry>睡眠户</Prtry></Rsn></StsRsnInf>", "睡眠户", id="the bank's own word"),
        pytest.param("", "银行未说明原因", id="none"),
    ],
)
def test_a_return_has_a_reason_without_the_banks_prose(more: str, text: str) -> None:
    (returned,) = read(report(line(1, "RJCT", more=more)))[1]
    assert returned.reason == text
    assert reason_text("AM04") == "AM04 付款账户余额不足"


def test_what_was_settled_counts_not_what_was_ordered() -> None:
    settled = line(1, "ACSC").replace("<OrgnlTxRef>", '<OrgnlTxRef><IntrBkSttlmAmt Ccy="CNY">59.99</IntrBkSttlmAmt>')
    assert [each.fen for each in read(report(settled))[1]] == [5999]


def test_the_day_of_settlement_comes_before_that_of_acceptance() -> None:
    accepted = "<AccptncDtTm>2026-10-15T09:00:00</AccptncDtTm>"
    lines = read(report(line(1, "ACSC", more=accepted), line(2, "ACSC", more=accepted, date_="2026-10-16")))[1]
    assert [each.booked_on for each in lines] == [date(2026, 10, 15), date(2026, 10, 16)]


def test_a_line_said_twice_is_given_twice() -> None:
    assert len(read(report(line(1, "ACSC"), line(1, "ACSC"), all_=stated("ACSC", 2, "120.00")))[1]) == 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(report(line(1, "ACSC"), all_=stated("ACSC", 2)), id="a count too high"),
        pytest.param(report(line(1, "ACSC"), all_=stated("ACSC", 1, "60.01")), id="a sum one fen off"),
        pytest.param(report(line(1, "ACSC"), all_=stated("RJCT", 1)), id="a status that is not listed"),
        pytest.param(report(line(1, "ACSC"), block=stated("ACSC", 2)), id="a count of the block"),
        pytest.param(report(line(1, "ACSC"), all_=stated("ACSC", "one")), id="a count that is none"),
        pytest.param(report(line(1, "OKAY")), id="an unknown status"),
        pytest.param(report(line(1, "")), id="no status"),
        pytest.param(report(line(1, "ACSC", "6e1")), id="an exponent"),
        pytest.param(report(line(1, "ACSC", "60.001")), id="a tenth of a fen"),
        pytest.param(report(line(1, "ACSC", "0.00")), id="nothing paid"),
        pytest.param(report(line(1, "ACSC", "-60.00")), id="a sign"),
        pytest.param(report(line(1, "ACSC")).replace('"CNY"', '"USD"'), id="another currency"),
        pytest.param(report(line(1, "ACSC", date_="2026-02-30")), id="a day that is none"),
        pytest.param(report(line(1, "ACSC")).replace("OrgnlEndToEndId", "OrgnlInstrId"), id="no key"),
        pytest.param(report(line(1, "ACSC")).replace("InstdAmt", "EqvtAmt"), id="no amount"),
        pytest.param(report(), id="no lines"),
        pytest.param(report(line(1, "ACSC")).replace("OrgnlMsgId", "Other"), id="no file that is answered"),
        pytest.param(report(line(1, "ACSC")).replace("pain.002.001.10", "pain.001.001.09"), id="another message"),
        pytest.param("<html><body><p>登录</p></body></html>", id="a web page"),
    ],
)
def test_a_report_that_contradicts_itself_counts_for_nothing(text: str) -> None:
    with pytest.raises(BankReportRefused, match="全部没有采用"):
        read(text)


def test_an_older_version_of_the_message_is_read() -> None:
    assert len(read(MIXED.replace("pain.002.001.10", "pain.002.001.03"))[1]) == 3


def test_a_report_with_entities_is_not_read() -> None:
    with pytest.raises(XmlSuspicious):
        read(MIXED.replace("<Document", "<!DOCTYPE Document [<!ENTITY a 'b'>]><Document", 1))
