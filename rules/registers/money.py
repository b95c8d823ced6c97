"""The registers of allowances 津贴: budgets, objections, and what the bank returns."""

from collections.abc import Mapping

from rules.programmes import PROGRAMMES
from rules.registers.elders import ELDER_CELL
from rules.registers.shape import Column, Register

PROGRAMME_NAMES: Mapping[str, str] = {code: zh for code, (zh, _) in PROGRAMMES.items()}
RESULT_NAMES: Mapping[str, str] = {"paid": "成功", "returned": "退回"}

PROGRAMME_CELL = Column(
    "programme",
    "项目",
    "choice",
    "发放项目",
    "which allowance",
    key=True,
    allowed=PROGRAMME_NAMES,
    example="高龄保健金",
    also=("发放项目", "津贴项目", "补贴项目"),
    said={"保健金": "longevity", "高龄津贴": "longevity", "高龄补贴": "longevity", "慰问": "condolence"},
)
PERIOD_CELL = Column(
    "period",
    "发放期",
    "period",
    "月份如 2026-10，节日如 2026年重阳节",
    "a month such as 2026-10, or a festival such as 2026-double-ninth",
    key=True,
    example="2026-10",
    also=("期间", "期次", "发放月份", "所属期"),
)

BUDGET = Register(
    "budget",
    "津贴预算表",
    "Budgets of allowances",
    (
        PROGRAMME_CELL,
        PERIOD_CELL,
        Column(
            "fen",
            "预算(分)",
            "fen",
            "单位是分，不是元：1 元填 100",
            "in fen, not in yuan: 1 yuan is 100",
            required=True,
            example="1541000000",
            also=("预算金额(分)", "预算分", "金额分"),
        ),
    ),
    "一个项目一期一行。调整预算再导入一次即可；不能低于已批准的金额。",
    "One period of one programme a row. To change it, import it again; it cannot go below what is approved.",
)

OBJECTION = Register(
    "objection",
    "公示异议登记表",
    "Objections",
    (
        PROGRAMME_CELL,
        PERIOD_CELL,
        ELDER_CELL,
        Column(
            "raised_on",
            "提出日期",
            "date",
            "哪天提出；不能晚于今天",
            "when it was raised; not in the future",
            required=True,
            example="2026-10-12",
            also=("异议日期", "日期"),
        ),
        Column(
            "text",
            "异议内容",
            "text",
            "谁提出、说了什么；加密保存",
            "who objects, and to what; kept sealed",
            secret=True,
            example="邻居反映该老人已迁居外地",
            also=("内容", "异议"),
        ),
        Column(
            "upheld",
            "是否成立",
            "yesno",
            "核实后填写；留空为还没有处理",
            "once looked into; blank while open",
            example="否",
            also=("异议是否成立", "处理结果"),
        ),
    ),
    "一条异议一行。核实后填“是否成立”再导入一次；有未处理的异议时不能审批。",
    "One objection a row. Once looked into, say whether it is upheld and import it again; open ones stop the approval.",
    apart=("programme", "period", "elder", "raised_on"),
)

BANK_RETURN = Register(
    "bank-return",
    "银行回盘表",
    "Bank returns",
    (
        Column(
            "key",
            "支付编号",
            "code",
            "发放文件里的编号，逐笔不同",
            "the key in the bank file, one a payment",
            key=True,
            example="F7K3Q9XM1-0000001",
            also=("流水号", "代发编号", "支付流水号", "明细编号", "客户流水号"),
        ),
        Column(
            "fen",
            "金额(分)",
            "fen",
            "单位是分，不是元",
            "in fen, not in yuan",
            required=True,
            example="6000",
            also=("金额分", "交易金额(分)"),
            least=1,
        ),
        Column(
            "result",
            "结果",
            "choice",
            "银行处理的结果",
            "what the bank made of it",
            required=True,
            allowed=RESULT_NAMES,
            example="成功",
            also=("处理结果", "交易结果", "入账结果", "处理状态", "状态"),
            said={
                "已入账": "paid",
                "入账成功": "paid",
                "交易成功": "paid",
                "代发成功": "paid",
                "处理成功": "paid",
                "已发放": "paid",
                "s": "paid",
                "失败": "returned",
                "入账失败": "returned",
                "交易失败": "returned",
                "代发失败": "returned",
                "处理失败": "returned",
                "退票": "returned",
                "退汇": "returned",
                "已退回": "returned",
                "已退汇": "returned",
                "f": "returned",
            },
        ),
        Column(
            "reason",
            "原因",
            "text",
            "退回的原因，照银行原文",
            "why it was returned, in the bank's words",
            example="账户已销户",
            also=("失败原因", "退回原因", "退票原因", "备注", "附言"),
        ),
        Column(
            "booked_on",
            "入账日期",
            "date",
            "银行记账的日期",
            "the day on which the bank booked it",
            required=True,
            example="2026-10-20",
            also=("记账日期", "交易日期", "处理日期"),
        ),
    ),
    "银行回盘文件，一笔一行，照原样导入；同一文件再导入不会重复记账。",
    "The bank's return file, one payment a row, as it came; the same file again books nothing twice.",
    every=True,
)

MONEY_REGISTERS = (BUDGET, OBJECTION, BANK_RETURN)
