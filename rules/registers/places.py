"""The registers of places: the centres 服务中心, and the sub-district offices 街道办事处 that answer for them."""

from rules.registers.shape import Column, Register

CENTRE = Register(
    "centre",
    "服务中心登记表",
    "Centres",
    (
        Column(
            "code",
            "中心编号",
            "code",
            "全区唯一，定了不改",
            "unique in the district, never changed",
            key=True,
            example="C01",
        ),
        Column(
            "name", "中心名称", "text", "对外使用的全称", "the full name", required=True, example="翠湖社区服务中心"
        ),
        Column(
            "subdistrict",
            "街道",
            "text",
            "街道登记表里的名称",
            "a name of the subdistrict register",
            example="翠湖街道",
            also=("所属街道",),
        ),
        Column(
            "community",
            "社区",
            "text",
            "所在社区",
            "the community it stands in",
            example="翠湖社区",
            also=("所属社区",),
        ),
        Column("address", "地址", "text", "路名和门牌号", "street and number", secret=True, example="翠湖南路 1 号"),
        Column(
            "phone",
            "电话",
            "phone",
            "中心的联系电话",
            "the centre's telephone",
            secret=True,
            example="0871-63123456",
            also=("联系电话",),
        ),
        Column(
            "opens_on_rest_days",
            "休息日开放",
            "yesno",
            "周末和节假日是否开放、需要值班",
            "whether it opens, and needs duty, on weekends and holidays",
            default=True,
            example="是",
        ),
    ),
    "一行一个中心。",
    "One centre a row.",
)

SUBDISTRICT = Register(
    "subdistrict",
    "街道办事处登记表",
    "Sub-district offices",
    (
        Column(
            "name",
            "街道",
            "text",
            "与中心登记表里的街道一致",
            "as in the centre register",
            key=True,
            example="翠湖街道",
            also=("街道名称",),
        ),
        Column(
            "phone",
            "电话",
            "phone",
            "08:45 仍无人到岗时通知",
            "told at 08:45 when nobody has come",
            secret=True,
            example="13800138001",
            also=("联系电话",),
        ),
        Column(
            "email",
            "邮箱",
            "email",
            "同上",
            "the same by mail",
            secret=True,
            example="cuihu@example.cn",
            also=("电子邮箱",),
        ),
    ),
    "一个街道一行。",
    "One sub-district a row.",
)

PLACE_REGISTERS = (CENTRE, SUBDISTRICT)
