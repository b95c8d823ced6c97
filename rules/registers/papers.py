"""The registers of what an exam consists of: papers 科目 and their items 双向细目表."""

from rules.registers.exams import EXAM_CELL
from rules.registers.shape import Column, Register

SUBJECT_CELL = Column(
    "subject",
    "科目",
    "code",
    "与科目登记表一致",
    "as in the paper register",
    key=True,
    example="语文",
    also=("学科", "考试科目", "科目名称"),
)

PAPER = Register(
    "paper",
    "科目登记表",
    "Papers of an exam",
    (
        EXAM_CELL,
        SUBJECT_CELL,
        Column(
            "full",
            "满分",
            "number",
            "卷面满分",
            "full marks of the paper",
            required=True,
            example="150",
            also=("满分值", "总分", "卷面分"),
        ),
        Column(
            "scaled",
            "等级赋分",
            "yesno",
            "化学、生物、政治、地理按等级赋分填“是”",
            "grade-scaled: yes",
            default=False,
            example="否",
            also=("是否赋分", "赋分"),
        ),
        Column(
            "scale",
            "最小分的倒数",
            "int",
            "2：可有半分；10：可有 0.1 分；有成绩后不能再改",
            "marks are stored as integers times this, 2 or 10; fixed once there are marks",
            default=2,
            example="2",
            also=("分数精度",),
        ),
    ),
    "一次考试的一科一行。",
    "One subject of one exam a row.",
)

ITEM = Register(
    "item",
    "双向细目表",
    "Items of a paper",
    (
        EXAM_CELL,
        SUBJECT_CELL,
        Column(
            "item",
            "题号",
            "code",
            "如 1、2、13-1；按题号顺序对应成绩表的第 1 题、第 2 题……",
            "such as 1, 2, 13-1; in this order they are q1, q2 ... of mark files",
            key=True,
            example="13-1",
            also=("小题", "小题号", "试题编号"),
        ),
        Column(
            "max",
            "分值",
            "number",
            "该题满分；一科各题之和等于满分",
            "full marks of the item; a paper's add up to its own",
            required=True,
            example="12",
            also=("满分", "题分", "小题分值"),
        ),
        Column(
            "point",
            "知识点",
            "text",
            "考查的知识点",
            "the knowledge point it tests",
            example="文言文阅读",
            also=("考点", "考查内容", "知识内容"),
        ),
    ),
    "一科一题一行，一次报齐一科；有小题分后题目不能增减。",
    "One item a row, all of a paper in one file; once there are item marks none may be added.",
)

PAPER_REGISTERS = (PAPER, ITEM)
