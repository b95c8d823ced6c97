"""The registers of joint exams 联考: schools, exams, who sits them. Papers: papers.py; marks: marks.py."""

from collections.abc import Mapping

from rules.registers.shape import Column, Register

GROUPS: Mapping[str, str] = {"central": "中心学校", "senior": "高中"}
TRACK_NAMES: Mapping[str, str] = {"physics": "物理类", "history": "历史类", "none": "不分科"}
NUMBER_HEADERS = ("准考证号", "准考证", "考生号", "考生号码", "考籍号", "考试号", "学号")
SCHOOL_HEADERS = ("学校代码", "学校编号", "学校名称", "校名", "所在学校")

EXAM_CELL = Column(
    "exam",
    "考试",
    "code",
    "考试登记表中的编号",
    "its code in the exam register",
    key=True,
    example="2026春-高二",
    also=("考试编号", "考试代码"),
)
SCHOOL = Register(
    "school",
    "学校登记表",
    "Schools",
    (
        Column(
            "code",
            "学校代码",
            "code",
            "全区唯一",
            "unique in the district",
            key=True,
            example="S01",
            also=("代码", "学校编号", "编号"),
        ),
        Column(
            "name",
            "学校",
            "text",
            "学校全称；成绩表里可写代码或全称",
            "full name; mark files give code or name",
            required=True,
            example="区第一中学",
            also=("学校名称", "校名", "名称"),
        ),
        Column(
            "contact_name",
            "联系人",
            "name",
            "收错误清单和本校成绩册的人",
            "who receives the error lists and the school's workbook",
            secret=True,
            example="龚䶮",
            also=("联系人姓名", "教务联系人"),
        ),
        Column(
            "contact_email",
            "联系邮箱",
            "email",
            "错误清单和成绩册只发到这里",
            "error lists and workbooks go here only",
            secret=True,
            example="jiaowu@example.cn",
            also=("邮箱", "电子邮箱", "邮箱地址"),
        ),
    ),
    "一所学校一行；再导入一次即可更正。",
    "One school a row; import it again to change it.",
)

EXAM = Register(
    "exam",
    "考试登记表",
    "Exams",
    (
        Column(
            "code",
            "考试编号",
            "code",
            "全区唯一",
            "unique in the district",
            key=True,
            example="2026春-高二",
            also=("编号", "考试代码"),
        ),
        Column(
            "name",
            "考试名称",
            "text",
            "写在报表上的名称",
            "as on the reports",
            required=True,
            example="2026 年春季学期高二期中联考",
            also=("名称",),
        ),
        Column(
            "date",
            "考试日期",
            "date",
            "第一天；按这一天生效的政策统计",
            "the first day; its policy holds",
            required=True,
            example="2026-04-22",
            also=("日期", "开考日期"),
        ),
        Column(
            "group",
            "学校组",
            "choice",
            "哪一组学校",
            "which schools",
            allowed=GROUPS,
            required=True,
            example="高中",
            also=("组别", "学段"),
            said={"初中": "central", "中心校": "central", "普通高中": "senior"},
        ),
        Column(
            "compare_with",
            "对比考试",
            "code",
            "与之比较进退步的上一次考试的编号",
            "an earlier exam's code",
            example="2025秋-高二",
            also=("上次考试", "对比考试编号"),
        ),
    ),
    "一次考试一行。对比考试须已登记。",
    "One exam a row. The exam it is compared with must be registered.",
)

STUDENT = Register(
    "student",
    "考生名册",
    "Students entered for an exam",
    (
        EXAM_CELL,
        Column(
            "number",
            "考号",
            "code",
            "一次考试内唯一；列格式设为“文本”",
            "unique within the exam; set the column to Text",
            key=True,
            secret=True,
            example="5301120207",
            also=NUMBER_HEADERS,
        ),
        Column(
            "name",
            "姓名",
            "name",
            "考生姓名",
            "the student's name",
            required=True,
            secret=True,
            example="龚䶮",
            also=("考生姓名", "学生姓名"),
        ),
        Column(
            "school",
            "学校",
            "code",
            "学校代码或全称；考试期间转学的填现在的学校",
            "code or name; after a transfer the new one",
            required=True,
            example="S01",
            also=SCHOOL_HEADERS,
        ),
        Column(
            "class", "班级", "text", "班级名称", "name of the class", example="高二(3)班", also=("班", "班别", "行政班")
        ),
        Column(
            "track",
            "科类",
            "choice",
            "物理类、历史类；不分科留空",
            "of 3+1+2; blank if there is none",
            allowed=TRACK_NAMES,
            default="none",
            example="物理类",
            also=("类别", "选科类别", "首选科目"),
            said={
                "物理": "physics",
                "历史": "history",
                "物理方向": "physics",
                "历史方向": "history",
                "理科": "physics",
                "文科": "history",
                "无": "none",
            },
        ),
        Column(
            "contact_email",
            "家长邮箱",
            "email",
            "成绩单只发到这里",
            "the result slip goes here only",
            secret=True,
            example="jiazhang@example.cn",
            also=("联系邮箱", "邮箱"),
        ),
        Column(
            "contact_verified",
            "邮箱已核实",
            "yesno",
            "核实是本人家长后才发成绩单",
            "no slip goes out before it is verified",
            default=False,
            example="是",
            also=("已核实", "是否核实"),
        ),
    ),
    "一名考生一行，可各校分别报送。同一考号换了学校、姓名不变，按转学处理；姓名不同则退回。",
    "One student a row; each school may send its own. A number that comes from another school is a transfer if the "
    "name is the same, and is refused if not.",
)

EXAM_REGISTERS = (SCHOOL, EXAM, STUDENT)
