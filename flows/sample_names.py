"""The places and people of the made-up district: seed -> names and numbers -> sub-districts, centres, cadres.

Sub-districts (街道) and communities (社区) carry place names of Kunming's Xishan (西山区), so that a clerk recognises
the shape of the register; which of them has a centre is invented. Personal names are drawn at random from common parts:
any likeness to a living person is chance.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

COMMUNITIES = {
    "马街街道": ("马街", "普坪", "张峰", "积善"),
    "金碧街道": ("三合营", "书林", "西坝"),
    "永昌街道": ("永昌", "华昌", "永兴路"),
    "前卫街道": ("前卫", "西贡", "红庙", "南亚"),
    "福海街道": ("福海", "船房", "河北", "新河"),
    "棕树营街道": ("棕树营南区", "白马东区", "近华", "鱼翅路"),
    "西苑街道": ("西苑", "春苑", "西华园"),
    "碧鸡街道": ("高峣", "观音山", "龙门"),
    "海口街道": ("中滩", "里仁", "白鱼"),
    "团结街道": ("龙潭", "花红园"),
}
PLACES = [(subdistrict, place) for subdistrict, places in COMMUNITIES.items() for place in places]
STREETS = ("敬老路", "康乐路", "松鹤巷", "金秋路", "长寿巷", "安居路", "和睦街", "常青路")

DOMAIN = "xishan.example"
"""RFC 2606 reserves .example for ever: no mail to it arrives anywhere."""

PHONE_BLOCKS = {
    "subdistrict": "1540",
    "centre": "1541",
    "cadre": "1542",
    "helper": "1543",
    "elder": "1544",
    "emergency": "1545",
    "staff": "1546",
}
"""A block of ten million phones a noun; the next noun takes the next digit.

154 passes the usual check of a mobile number (^1[3-9] and nine digits) but has been given to no operator: the press
listed it as unassigned when 190, 192, 196 and 197 were issued, and libphonenumber knows no valid 154 number. That is a
fact of today, not a promise: China sets no numbers aside for fiction and 154 may be issued one day, so a sample never
meets a real gateway.
"""

_SURNAMES = (
    "李79 王71 张68 杨62 陈45 刘38 赵30 马24 周23 黄18 段17 普15 徐14 罗14 吴13 何13 朱12 高12 郭11 孙11 胡11 唐10 "
    "董10 许9 龚8 毕8 保7 施7 苏7 尹6 资5 起5 木5 和5 字4 刀4 方4 曾4 欧阳2 司马1 上官1 诸葛1 夏侯1"
)
SURNAMES = {pair.rstrip("0123456789"): int(pair.lstrip(pair.rstrip("0123456789"))) for pair in _SURNAMES.split()}
"""Han, Yi, Bai, Hui and Naxi surnames with rough Kunming weights; the last five are compound (复姓)."""

FIRST = ("丽美秀晓雪思佳玉春丹海慧雅文小永", "建永国志文学家晓海正春光天明世绍")
SECOND = ("芳琼梅玲燕红艳萍英兰娟蓉云霞婷静敏莉凤仙琳华珍倩媛", "伟强军平勇华云波辉林东斌鹏俊杰涛福贵荣兴磊宇浩昆")
TWO_CHARACTERS = 0.74  # share of given names with two characters

DAI = (("玉香", "玉罕", "玉叫", "玉温"), ("岩温", "岩罕", "岩叫", "岩香"))
DOTTED_FIRST = ("阿普", "阿鲁", "木乃", "吉火", "勒排", "木然", "次里", "鲁茸", "此里")
DOTTED_LAST = (("阿依", "卓玛", "木果", "拉姆", "阿娜"), ("木呷", "扎西", "早山", "尼玛", "都噶"))
DAI_SHARE, DOTTED_SHARE = 0.01, 0.02

RARE = (
    ("龚䶮", False),  # U+4DAE, missing from GBK
    ("李𠮷祥", False),  # U+20BB7, beyond the BMP: two UTF-16 units, four bytes in GB18030
    ("杨㛃", True),  # U+36C3, missing from GBK
    ("马犇犇", False),
    ("段喆", True),
    ("阿·果", True),
    ("欧阳春雪", True),
    ("鲁茸次里·尼玛扎西·益西拉姆·都噶卓玛", True),  # 19 characters: forms, mails and SMS must carry them
)
"""Names that break software, with whether a woman bears them; each appears in any district that is large enough."""

TWINS = "杨丽华"
"""Borne by two women who follow each other on the list: only the number tells them apart."""


@dataclass(frozen=True, slots=True)
class Subdistrict:
    """A sub-district office (街道办事处)."""

    name: str
    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class Centre:
    """A community centre for elders who live at home (社区居家养老服务中心)."""

    code: str
    name: str
    subdistrict: str
    community: str
    address: str
    phone: str
    opens_on_rest_days: bool


@dataclass(frozen=True, slots=True)
class Cadre:
    """A community cadre (社区干部); `woman` is in no register, names and maternity leave follow it."""

    number: str
    name: str
    phone: str
    email: str
    rest_day_exempt: bool
    woman: bool


def make_subdistricts(seed: int) -> Iterator[Subdistrict]:
    """Open an office in each sub-district."""
    for n, (name, phone) in enumerate(zip(COMMUNITIES, phones(seed, "subdistrict", len(COMMUNITIES)), strict=True), 1):
        yield Subdistrict(name, phone, f"jiedao{n:02d}@{DOMAIN}")


def make_centres(seed: int, count: int) -> Iterator[Centre]:
    """Spread the centres over PLACES; more centres than places number their communities."""
    rng = stream(seed, "centre")
    numbers = phones(seed, "centre", count)
    closing = set(rng.sample(range(count), round(count * 0.06)))
    width = max(2, len(str(count)))
    for place, members in groupby(range(count), lambda i: i * len(PLACES) // count):
        subdistrict, name = PLACES[place]
        for serial, i in enumerate(members, 1):
            community = f"{name}社区" if serial == 1 else f"{name}第{serial}社区"
            address = f"昆明市西山区{subdistrict}{rng.choice(STREETS)}{rng.randint(1, 299)}号"
            centre = f"{community}居家养老服务中心"
            yield Centre(f"XS-{i + 1:0{width}d}", centre, subdistrict, community, address, numbers[i], i not in closing)


def make_cadres(seed: int, count: int) -> Iterator[Cadre]:
    """Number the cadres K0001, K0002 ...; two in three are women, 4 % are free on rest days (pregnant, disabled)."""
    rng = stream(seed, "cadre")
    width = max(4, len(str(count)))
    women = [rng.random() < 0.68 for _ in range(count)]
    names = full_names(stream(seed, "cadre name"), women)
    for n, (name, phone, woman) in enumerate(zip(names, phones(seed, "cadre", count), women, strict=True), 1):
        number = f"K{n:0{width}d}"
        yield Cadre(number, name, phone, f"{number.lower()}@{DOMAIN}", rng.random() < 0.04, woman)


def stream(seed: int, noun: str) -> random.Random:
    """Give the noun its own random numbers, so that a new noun changes no other."""
    return random.Random(f"{seed}:{noun}")  # noqa: S311 - a sample must be repeatable; it protects nothing


def phones(seed: int, noun: str, count: int) -> list[str]:
    """Draw distinct phone numbers from the noun's own block."""
    tails = stream(seed, f"{noun} phone").sample(range(10_000_000), count)
    return [f"{PHONE_BLOCKS[noun]}{tail:07d}" for tail in tails]


def full_names(rng: random.Random, women: Sequence[bool]) -> list[str]:
    """Name each person, in the order given; ten of each sex and more include RARE and TWINS."""
    names = list(_drawn(rng, women))
    by_sex = {sex: [i for i, woman in enumerate(women) if woman is sex] for sex in (True, False)}
    if min(len(by_sex[True]), len(by_sex[False])) < 10:
        return names
    at = rng.randrange(len(by_sex[True]) - 1)
    for _ in range(2):
        names[by_sex[True].pop(at)] = TWINS
    for name, woman in RARE:
        names[by_sex[woman].pop(rng.randrange(len(by_sex[woman])))] = name
    return names


def _drawn(rng: random.Random, women: Sequence[bool]) -> Iterator[str]:
    surnames = rng.choices(list(SURNAMES), list(SURNAMES.values()), k=len(women))
    for surname, woman in zip(surnames, women, strict=True):
        sex, share = int(not woman), rng.random()
        if share < DAI_SHARE:
            yield rng.choice(DAI[sex]) + rng.choice("罕丙扁")
        elif share < DAI_SHARE + DOTTED_SHARE:
            yield f"{rng.choice(DOTTED_FIRST)}·{rng.choice(DOTTED_LAST[sex])}"
        else:
            yield surname + (rng.choice(FIRST[sex]) if rng.random() < TWO_CHARACTERS else "") + rng.choice(SECOND[sex])
