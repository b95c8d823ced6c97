from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from rules.registers import BadCell, Column, Kind, read_cell
from rules.registers.spelling import tidy

CHOICES = {"annual": "年假", "sick": "病假", "official": "公差"}


def column(kind: Kind, *, key: bool = False) -> Column:
    allowed = CHOICES if kind in {"choice", "choices"} else {}
    return Column("x", "列", kind, "说明", "note", key=key, allowed=allowed)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-3-1", id="dashes, no zeros"),
        pytest.param("2026/03/01", id="slashes"),
        pytest.param("2026.3.1", id="dots"),
        pytest.param("2026年3月1日", id="Chinese"),
        pytest.param("2026 年 3 月 1 日", id="Chinese with spaces"),
        pytest.param("2026年3月1", id="Chinese, last sign missing"),
        pytest.param("20260301", id="compact"),
        pytest.param("46082", id="Excel serial"),
        pytest.param("2026-03-01 00:00:00", id="midnight from a date cell"),
        pytest.param("２０２６－３－１", id="full width"),
        pytest.param("\u3000 2026-03-01\u00a0", id="odd spaces around"),
        pytest.param("'2026-03-01", id="apostrophe that marks text"),
    ],
)
def test_a_day_is_read_however_it_is_written(text: str) -> None:
    assert read_cell(column("date"), text) == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("2026-2-30", "没有这个日期", id="impossible day"),
        pytest.param("2025-02-29", "没有这个日期", id="no leap year"),
        pytest.param("2026-13-1", "没有这个日期", id="month 13"),
        pytest.param("26-3-1", "不是日期", id="two-figure year"),
        pytest.param("3/1/2026", "不是日期", id="American order"),
        pytest.param("2026年3月", "不是日期", id="only a month"),
        pytest.param("2026", "不是日期", id="only a year"),
        pytest.param("0202-03-01", "年份不对", id="mistyped year"),
        pytest.param("2026-03-01 08:30", "钟点", id="with a time"),
        pytest.param("三月一日", "不是日期", id="in words"),
        pytest.param("٢٠٢٦-٣-١", "不是日期", id="Arabic digits"),
    ],
)
def test_what_is_no_day_is_refused_with_a_remedy(text: str, says: str) -> None:
    with pytest.raises(BadCell) as refused:
        read_cell(column("date"), text)
    assert says in refused.value.problem
    assert refused.value.remedy.startswith("请")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        pytest.param("2026-03-01 08:30", datetime(2026, 3, 1, 0, 30, tzinfo=UTC), id="Shanghai wall time"),
        pytest.param("2026/3/1 8:30:15", datetime(2026, 3, 1, 0, 30, 15, tzinfo=UTC), id="with seconds"),
        pytest.param("2026年3月1日 8时30分", datetime(2026, 3, 1, 0, 30, tzinfo=UTC), id="Chinese"),
        pytest.param("2026年3月1日8点30分", datetime(2026, 3, 1, 0, 30, tzinfo=UTC), id="Chinese, no space"),
        pytest.param("2026-03-01T08:30:00+08:00", datetime(2026, 3, 1, 0, 30, tzinfo=UTC), id="ISO with offset"),
        pytest.param("2026-03-01T00:30Z", datetime(2026, 3, 1, 0, 30, tzinfo=UTC), id="ISO in UTC"),
        pytest.param("46082.3541666667", datetime(2026, 3, 1, 0, 30, tzinfo=UTC), id="Excel serial"),
        pytest.param("２０２６－０３－０１　０８：３０", datetime(2026, 3, 1, 0, 30, tzinfo=UTC), id="full width"),
    ],
)
def test_a_time_is_read_as_shanghai_unless_it_says_otherwise(text: str, instant: datetime) -> None:
    assert read_cell(column("instant"), text) == instant


@pytest.mark.parametrize(
    "text", ["2026-03-01", "2026-03-01 25:00", "2026-03-01 08:61", "08:30", "2026-03-01 08:30+99:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        read_cell(column("instant"), text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        pytest.param("id_number", "5.3E+17", id="ID number"),
        pytest.param("id_number", "5.30102196501011E+17", id="ID number, more digits"),
        pytest.param("code", "6.22202E+18", id="account"),
        pytest.param("phone", "1.38E+10", id="phone"),
    ],
)
def test_a_number_excel_mangled_is_refused_with_the_remedy(kind: Kind, text: str) -> None:
    with pytest.raises(BadCell) as refused:
        read_cell(column(kind), text)
    assert "科学计数" in refused.value.problem
    assert "文本" in refused.value.remedy


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("12.0", "12", id="numeric cell"),
        pytest.param("K０１２", "K012", id="full width"),
        pytest.param(" C 01 ", "C01", id="spaces"),
        pytest.param("0012", "0012", id="leading zeros stay"),
        pytest.param("五华-01", "五华-01", id="Chinese"),
        pytest.param("'0012", "0012", id="apostrophe that marks text"),
        pytest.param("1E3", "1E3", id="a code that looks like a power"),
    ],
)
def test_a_code_has_one_spelling(text: str, code: str) -> None:
    assert read_cell(column("code"), text) == code


@pytest.mark.parametrize("text", ["=1+1", "-5", "@x", "a b!c", "K" * 41, "a,b"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        read_cell(column("code", key=True), text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("张　三", "张三", id="padded with a wide space"),
        pytest.param(" 欧阳 娜娜 ", "欧阳娜娜", id="spaces"),
        pytest.param("阿卜杜拉•买买提", "阿卜杜拉·买买提", id="another middle dot"),
        pytest.param("𠮷野", "𠮷野", id="rare character"),
        pytest.param("Li Ming", "Li Ming", id="Latin keeps its space"),
        pytest.param("张\u200b三", "张三", id="invisible character"),
        pytest.param("王\u202e五", "王五", id="direction override"),
    ],
)
def test_a_name_has_one_spelling(text: str, name: str) -> None:
    assert read_cell(column("name"), text) == name


def test_prose_keeps_its_chinese_punctuation_and_loses_ragged_spaces() -> None:
    assert read_cell(column("text"), " 北京路１２号，\n后院（二楼）\u3000 ") == "北京路12号，后院（二楼）".replace(
        "，", "， "
    )


def test_the_apostrophe_our_exports_put_before_a_formula_sign_is_taken_off() -> None:
    assert tidy("'=1+1") == "=1+1"
    assert tidy("'＋好") == "＋好"
    assert tidy("'quoted'") == "'quoted'"


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        pytest.param("138 0013 8000", "13800138000", id="grouped"),
        pytest.param("+86-138-0013-8000", "13800138000", id="country code"),
        pytest.param("008613800138000", "13800138000", id="00 country code"),
        pytest.param("１３８００１３８０００", "13800138000", id="full width"),
        pytest.param("13800138000.0", "13800138000", id="numeric cell"),
        pytest.param("0871－63123456", "0871-63123456", id="land line"),
        pytest.param("(010)62345678", "010-62345678", id="three-figure area"),
        pytest.param("63123456", "63123456", id="without area"),
        pytest.param("0871-63123456转801", "0871-63123456-801", id="extension"),
        pytest.param("400-123-4567", "4001234567", id="400 number"),
        pytest.param("12345", "12345", id="service number"),
    ],
)
def test_a_phone_number_has_one_spelling(text: str, phone: str) -> None:
    assert read_cell(column("phone"), text) == phone


@pytest.mark.parametrize("text", ["1380013800", "138001380000", "23800138000", "abc", "＋", "138００"])
def test_what_is_no_phone_number_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        read_cell(column("phone"), text)


@pytest.mark.parametrize(("text", "mail"), [("A.b@Example.CN", "A.b@example.cn"), ("ａ＠ｂ.cn", "a@b.cn")])
def test_a_mail_address_is_tidied(text: str, mail: str) -> None:
    assert read_cell(column("email"), text) == mail


@pytest.mark.parametrize("text", ["a@b", "a b", "@b.cn", "a@b..cn", "a@-b.cn", "a@b.cn\nBcc: x@y.cn", "a@b.c,d@e.cn"])
def test_what_is_no_mail_address_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        read_cell(column("email"), text)


@pytest.mark.parametrize(
    ("text", "yes"),
    [("是", True), ("YES", True), ("TRUE", True), ("√", True), ("否", False), ("n", False), ("0", False)],
)
def test_yes_and_no_are_read_as_people_say_them(text: str, *, yes: bool) -> None:
    assert read_cell(column("yesno"), text) is yes


@pytest.mark.parametrize("text", ["sick", "病假", " Sick ", "病 假".replace(" ", "")])
def test_a_choice_is_read_in_either_language(text: str) -> None:
    assert read_cell(column("choice"), text) == "sick"


def test_an_unknown_choice_names_what_is_allowed() -> None:
    with pytest.raises(BadCell) as refused:
        read_cell(column("choice"), "婚假")
    assert refused.value.remedy == "请填：年假、病假、公差"


def test_several_choices_come_in_the_order_of_the_declaration() -> None:
    assert read_cell(column("choices"), "公差、annual；年假") == ("annual", "official")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [("int", "1,200", 1200), ("int", "12.0", 12), ("number", "3.5", Decimal("3.5")), ("number", "－２", Decimal(-2))],
)
def test_numbers_are_read_exactly(kind: Kind, text: str, value: object) -> None:
    assert read_cell(column(kind), text) == value


@pytest.mark.parametrize(
    ("kind", "text"), [("int", "3.5"), ("int", "十"), ("number", "NaN"), ("number", "1e5"), ("number", "")]
)
def test_what_is_no_number_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(BadCell):
        read_cell(column(kind, key=True), text)


@pytest.mark.parametrize("text", ["", "  ", "\u3000", "\u200b", "—", "/", "无", "-"])
def test_a_blank_or_stroked_cell_is_blank_where_it_may_be(text: str) -> None:
    assert read_cell(column("date"), text) is None


@pytest.mark.parametrize("text", ["", "  ", "\u3000", "\u200b", "\u00a0", "\n", "\r\n", "\t", "\u0085", "'\n"])
def test_a_blank_key_is_refused(text: str) -> None:
    with pytest.raises(BadCell, match="不能为空"):
        read_cell(column("code", key=True), text)


def test_prose_may_say_none() -> None:
    assert read_cell(column("text"), "无") == "无"


@pytest.mark.parametrize("kind", ["text", "code", "date", "yesno"])
def test_a_failed_formula_is_refused_in_every_kind(kind: Kind) -> None:
    with pytest.raises(BadCell, match="公式出错"):
        read_cell(column(kind), "#REF!")


@pytest.mark.parametrize(
    ("text", "number"), [("53010219650101123x", "53010219650101123X"), ("530102 650101 123", "530102650101123")]
)
def test_an_id_number_is_text(text: str, number: str) -> None:
    assert read_cell(column("id_number"), text) == number


def test_a_short_id_number_is_refused() -> None:
    with pytest.raises(BadCell):
        read_cell(column("id_number"), "5301021965010112")


def test_a_default_stands_for_a_blank_cell() -> None:
    assert read_cell(Column("x", "列", "yesno", "说明", "note", default=True), " ") is True
