"""The register of marks 成绩: totals, item marks, options chosen; each row is taken or left by itself."""

from collections.abc import Mapping

from rules.registers.exams import EXAM_CELL, NUMBER_HEADERS, SCHOOL_HEADERS
from rules.registers.papers import SUBJECT_CELL
from rules.registers.shape import Column, Register, Series

STATUS_NAMES: Mapping[str, str] = {"valid": "正常", "absent": "缺考", "violation": "违纪", "exempt": "免考"}
_NUMBER = "0*([1-9][0-9]{0,2})"

ITEM_MARKS = Series(
    Column(
        "q",
        "题",
        "mark",
        "小题分，列数不限；没作答留空。表头也可写 第1题、题1、1",
        "item marks, any number of columns; blank if not answered",
        secret=True,
        example="2.5",
    ),
    f"(?:q|t|题|第|小题|得分)?{_NUMBER}(?:题|小题)?(?:得分|分|分数|成绩)?",
)
OPTIONS = Series(
    Column(
        "o",
        "选项",
        "code",
        "选择题所选的选项，列数不限；没作答留空",
        "the option chosen, any number of columns",
        secret=True,
        example="B",
    ),
    f"(?:o|选项|答案|作答){_NUMBER}|第?{_NUMBER}题?(?:选项|答案|作答)",
)

MARK = Register(
    "mark",
    "成绩表",
    "Marks",
    (
        EXAM_CELL,
        Column(
            "number",
            "考号",
            "code",
            "与考生名册一致；列格式设为“文本”",
            "as on the roster; set the column to Text",
            key=True,
            secret=True,
            example="5301120207",
            also=NUMBER_HEADERS,
        ),
        Column(
            "school",
            "学校",
            "code",
            "报送学校的代码或全称；整份文件是一所学校的可以不填",
            "who sends it, code or name; may be left out where a file is one school's",
            example="S01",
            also=SCHOOL_HEADERS,
        ),
        SUBJECT_CELL,
        Column(
            "status",
            "状态",
            "choice",
            "留空视为正常；缓考在补考成绩到来之前记为缺考",
            "blank means valid; a deferred exam counts as absent until the mark comes",
            allowed=STATUS_NAMES,
            example="正常",
            also=("考试状态", "成绩状态", "缺考标记"),
            said={
                "有效": "valid",
                "参考": "valid",
                "缓考": "absent",
                "未考": "absent",
                "旷考": "absent",
                "缺": "absent",
                "作弊": "violation",
                "舞弊": "violation",
                "违规": "violation",
                "免试": "exempt",
            },
        ),
        Column(
            "mark",
            "成绩",
            "mark",
            "分数，可有半分；也可直接写缺考、违纪、免考；有小题分的可不填",
            "the mark, or absent, violation, exempt; may be left out where there are item marks",
            secret=True,
            example="118.5",
            also=("分数", "得分", "总分", "卷面成绩", "卷面分", "原始分", "成绩总分"),
        ),
    ),
    "一名考生一科一行，可各校分别报送。合格的行先收下，有问题的行列入错误清单退回。"
    "有小题分的，在右边加列：第1题、第2题……；有选项的，加选项1、选项2……。更正再导入一次即可，以最后收到的为准。",
    "One student's paper a row; each school may send its own. Good rows are taken, the others come back in a list. "
    "Add columns q1, q2 ... for item marks and o1, o2 ... for options. To correct a mark, send it again: the latest "
    "holds.",
    every=True,
    series=(ITEM_MARKS, OPTIONS),
    by_row=True,
)
