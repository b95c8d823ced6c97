"""Why a bank returns a payment: ISO 20022 reason codes -> names for the clerk. Source: ISO's external code sets."""

import unicodedata
from collections.abc import Mapping

from rules.free_text import masked_digits

LONGEST_FREE = 35

REASONS: Mapping[str, str] = {
    "AC01": "收款账号有误",
    "AC03": "收款账号无效",
    "AC04": "账户已销户",
    "AC05": "付款账户已销户",
    "AC06": "账户已冻结",
    "AC07": "收款账户已销户",
    "AC13": "账户类型不符",
    "AC14": "收款账户类型不符",
    "AG01": "该账户不允许此类交易",
    "AG02": "交易类型有误",
    "AGNT": "收款银行有误",
    "AM01": "金额为零",
    "AM02": "金额超过限额",
    "AM03": "币种不能处理",
    "AM04": "付款账户余额不足",
    "AM05": "重复支付",
    "AM09": "金额有误",
    "AM10": "合计金额不符",
    "AM12": "金额无效",
    "AM14": "超过约定限额",
    "AM18": "笔数不符",
    "BE01": "户名与账号不符",
    "BE05": "委托方不认识",
    "BE06": "收款人不认识",
    "BE22": "缺少收款人户名",
    "CNOR": "收款银行未登记",
    "CUST": "客户要求退回",
    "DT01": "日期有误",
    "DUPL": "重复支付",
    "FF01": "报文格式有误",
    "FOCR": "应撤销申请退回",
    "FR01": "涉嫌欺诈",
    "MD07": "收款人已死亡",
    "MS02": "收款人拒收，未说明原因",
    "MS03": "银行未说明原因",
    "NARR": "见银行附言",
    "RC01": "联行号有误",
    "RC04": "收款银行联行号有误",
    "RR01": "缺少付款人账号或证件",
    "RR03": "缺少收款人户名或地址",
    "RR04": "监管原因",
    "TECH": "技术原因",
    "TM01": "超过受理时间",
}


def public_reason(reason: str) -> str | None:
    """Return what of a stored reason may be shown anywhere: a name of ours in it; None if there is none.

    A return file in the bank's own words may name the payee in them.
    """
    return max((name for name in REASONS.values() if name in reason), key=len, default=None)


def kept_reason(said: str) -> str:
    """Return what is kept of a reason in a bank's own words: ours, or little of it with its digits masked."""
    told = " ".join(unicodedata.normalize("NFKC", said).split())
    head = told[:4].upper()
    if head in REASONS and not told[4:5].isalnum():
        return f"{head} {REASONS[head]}"
    return public_reason(told) or masked_digits(told)[:LONGEST_FREE]


def reason_text(code: str, free: str = "") -> str:
    """Return a reason for the register: the code with its name, the bank's own word, or that it gave none.

    What a bank adds in prose is left out, for it may name the payee.
    """
    if code:
        return f"{code} {REASONS[code]}" if code in REASONS else code
    return free[:LONGEST_FREE] or "银行未说明原因"
