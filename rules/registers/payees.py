"""The registers of who receives an allowance 津贴 and how: accounts, and survival certifications."""

from collections.abc import Mapping

from rules.registers.elders import ELDER_CELL
from rules.registers.shape import Column, Register

METHODS: Mapping[str, str] = {
    "in_person": "现场认证",
    "home": "上门认证",
    "face": "人脸识别",
    "video": "视频认证",
    "records": "数据比对",
    "other": "其他",
}
"""How an elder was seen to be alive 领取资格认证."""
PROXY = ("proxy_name", "proxy_reason", "proxy_document", "proxy_until")
"""Columns of an account that are there together or not at all."""

ACCOUNT = Register(
    "account",
    "发放账户登记表",
    "Accounts",
    (
        ELDER_CELL,
        Column(
            "from",
            "起始日期",
            "date",
            "从哪天起用这个账户；更换账户加一行",
            "from which day; to change accounts, add a row",
            key=True,
            example="2026-01-01",
            also=("启用日期", "生效日期"),
        ),
        Column(
            "bank",
            "开户银行",
            "text",
            "银行名称，到支行更好",
            "name of the bank, best with its branch",
            required=True,
            example="富滇银行西山支行",
            also=("开户行", "银行", "银行名称"),
        ),
        Column(
            "account",
            "账号",
            "account",
            "银行卡号或存折账号；列格式设为“文本”",
            "number of the card or passbook; set the column to Text",
            required=True,
            secret=True,
            example="6222020200112233446",
            also=("银行账号", "银行卡号", "卡号", "存折账号", "社保卡账号"),
        ),
        Column(
            "holder",
            "户名",
            "name",
            "账户是谁的：老人本人或代领人",
            "whose account it is: the elder's or the proxy's",
            required=True,
            secret=True,
            example="龚䶮",
            also=("开户名", "账户名", "账户姓名"),
        ),
        Column(
            "proxy_name",
            "代领人",
            "name",
            "由他人代领时填写；代领四列要么都填，要么都空",
            "who receives instead; fill in all four proxy columns, or none",
            secret=True,
            example="龚晓",
            also=("代领人姓名",),
        ),
        Column(
            "proxy_reason",
            "代领原因",
            "text",
            "为什么由他人代领",
            "why somebody else receives",
            example="卧床，行动不便",
        ),
        Column(
            "proxy_document",
            "代领凭证",
            "text",
            "委托书等凭证的名称和编号",
            "the power of attorney or other paper, with its number",
            secret=True,
            example="委托书 2026-018",
            also=("代领证明", "委托书编号"),
        ),
        Column(
            "proxy_until",
            "代领截止日期",
            "date",
            "最后一天(含)；过期后停发，须续办",
            "last day, inclusive; after it nothing is paid until renewed",
            example="2026-12-31",
            also=("代领有效期", "代领有效期至"),
        ),
    ),
    "一位老人一个账户一行。更正同一日期的账户，再导入一次即可；原记录保留。",
    "One account of one elder a row. To correct one, import it again with the same date; what was there is kept.",
)

CERTIFICATION = Register(
    "certification",
    "领取资格认证表",
    "Survival certifications",
    (
        ELDER_CELL,
        Column(
            "certified_on",
            "认证日期",
            "date",
            "不能晚于今天",
            "not in the future",
            key=True,
            example="2026-03-02",
            also=("日期", "认证时间"),
        ),
        Column(
            "method",
            "认证方式",
            "choice",
            "怎样确认老人健在",
            "how the elder was seen",
            allowed=METHODS,
            default="other",
            example="现场认证",
            also=("方式",),
            said={
                "现场": "in_person",
                "窗口": "in_person",
                "上门": "home",
                "入户": "home",
                "入户认证": "home",
                "人脸": "face",
                "刷脸": "face",
                "自助认证": "face",
                "人脸认证": "face",
                "视频": "video",
                "比对": "records",
                "大数据比对": "records",
            },
        ),
    ),
    "一次认证一行。漏认证的补认证后，停发的月份自动补发。",
    "One certification a row. After a late one the months that were stopped are paid.",
)

PAYEE_REGISTERS = (ACCOUNT, CERTIFICATION)
