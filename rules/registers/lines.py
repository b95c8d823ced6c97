"""The register of lines 上线: the totals that the district calls a line, as a mark or as a number of places."""

from rules.registers.exams import EXAM_CELL, TRACK_NAMES
from rules.registers.shape import Column, Register

LINE = Register(
    "line",
    "上线登记表",
    "Lines of an exam",
    (
        EXAM_CELL,
        Column(
            "track",
            "科类",
            "choice",
            "物理类、历史类；不分科的考试填“不分科”",
            "of 3+1+2; none where the exam has no tracks",
            key=True,
            allowed=TRACK_NAMES,
            example="物理类",
            also=("类别", "选科类别"),
            said={"物理": "physics", "历史": "history", "理科": "physics", "文科": "history", "无": "none"},
        ),
        Column(
            "name",
            "线名",
            "text",
            "写在报表上的名称，如特控线、本科线",
            "as on the reports",
            key=True,
            example="特控线",
            also=("名称", "分数线", "上线名称"),
        ),
        Column(
            "mark",
            "分数",
            "number",
            "总分线；与名额二选一",
            "the total that reaches it; either this or places",
            example="523",
            also=("总分", "分数值", "划线分"),
        ),
        Column(
            "places",
            "名额",
            "int",
            "按名额划线：总分第几名；与分数二选一",
            "a line drawn by places; either this or mark",
            example="",
            also=("人数", "上线人数"),
        ),
    ),
    "一次考试、一个科类的一条线一行；分数和名额只填一个，再导入一次即可更正。",
    "One line of one track a row; give either mark or places. Import it again to change it.",
)
