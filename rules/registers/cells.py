"""One cell: the text somebody typed -> the value it means, or a refusal that says how to write it."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime

from rules.errors import say
from rules.identity import SENTENCES, IdentityRefused, identity
from rules.refs import canonical, is_ref
from rules.registers.amounts import INTEGRAL, read_account, read_fen, read_int, read_mark, read_number, read_period
from rules.registers.days import day_of, instant_of, when_of
from rules.registers.shape import Column, Kind
from rules.registers.spelling import BadCell, plain, tidy, tidy_name, unmangled

LONGEST = {"text": 2000, "name": 60, "code": 40, "email": 254}
STROKES = frozenset({"-", "--", "—", "——", "/", "无"})  # how people say "nothing here" where no prose is expected
LONGEST_STROKE = 2

_BROKEN = re.compile(r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!)", re.IGNORECASE)
_CODE = re.compile(r"\w[\w./#-]*")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_PHONE = re.compile(
    r"""(?:(?:\+|00)?86)?
    (?:(1[3-9][0-9]{9})                                 # mobile
    |(010|02[0-9]|0[3-9][0-9]{2})?([2-8][0-9]{6,7})     # land line, with or without area
    |([48]00[0-9]{7}|1[02][0-9]{3}|9[56][0-9]{3,4}))     # 400 and 800 numbers, 12345, 96128
    (?:(?:转|x|ext)([0-9]{1,6}))?""",
    re.VERBOSE,
)
_IDENTITY = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
_SEPARATORS = re.compile(r"[、,;|\n]+")


def read_text(column: Column, text: str) -> str:
    """Free text, tidied."""
    return _not_too_long(column, tidy(text))


def read_name(column: Column, text: str) -> str:
    """A person's name, in one spelling."""
    return _not_too_long(column, tidy_name(text))


def read_code(column: Column, text: str) -> str:
    """A code or number that names something; 12.0 out of a numeric cell is 12. Lost leading zeros cannot be guessed."""
    if text.isascii() and text.isalnum():  # nearly all of them
        return _not_too_long(column, text)
    code = unmangled(plain(text)).replace(" ", "")
    if whole := INTEGRAL.fullmatch(code):
        code = whole[1]
    if not _CODE.fullmatch(code):
        raise BadCell(
            say("编号里有不能用的符号", "not a code"),
            say(
                "请只用字母、数字、汉字和 - _ . / #", "use letters, digits and - _ . / # only, a letter or digit first"
            ),
        )
    return _not_too_long(column, code)


def read_date(_column: Column, text: str) -> date:
    """A day."""
    return day_of(text)


def read_instant(_column: Column, text: str) -> datetime:
    """A date and time, aware UTC."""
    return instant_of(text)


def read_choice(column: Column, text: str) -> str:
    """The English value, said in English or by its Chinese label."""
    said = plain(text).casefold()
    for value, label in column.allowed.items():
        if said in {value.casefold(), plain(label).casefold()} or column.said.get(said) == value:
            return value
    raise BadCell(say("不在可填内容之中", "not one of the allowed values"), _one_of(column))


def read_choices(column: Column, text: str) -> tuple[str, ...]:
    """Several English values, in the order of the declaration."""
    parts = [part for part in _SEPARATORS.split(unicodedata.normalize("NFKC", text)) if part.strip()]
    said = {read_choice(column, part) for part in parts}
    return tuple(value for value in column.allowed if value in said)


def read_yesno(column: Column, text: str) -> bool:
    """Yes or no, as people and spreadsheets say it."""
    said = plain(text).casefold()
    if said in {"yes", "y", "是", "true", "1", "√", "✓"}:
        return True
    if said in {"no", "n", "否", "不是", "false", "0", "×", "✗"}:
        return False
    raise BadCell(say("不是“是”或“否”", "neither yes nor no"), _one_of(column))


def read_phone(_column: Column, text: str) -> str:
    """A Chinese telephone number: 13800138000, 0871-63123456, 63123456, 4001234567, 12345, each with an extension."""
    if _MOBILE.fullmatch(text):  # nearly all of them
        return text
    number = re.sub(r"[\s()-]", "", INTEGRAL.sub(r"\1", unmangled(plain(text)))).casefold()
    match = _PHONE.fullmatch(number)
    if not match:
        raise BadCell(
            say("不是电话号码", "not a telephone number"),
            say(
                "请填 11 位手机号，或带区号的座机如 0871-63123456", "write 11 digits, or 0871-63123456 for a land line"
            ),
        )
    mobile, area, line, service, extension = match.groups()
    return "-".join(part for part in (mobile or service, area, line, extension) if part)


def read_email(column: Column, text: str) -> str:
    """An e-mail address, the domain in lower case."""
    address = plain(text).replace(" ", "")
    if not _EMAIL.fullmatch(address) or ".." in address:
        raise BadCell(
            say("不是电子邮箱地址", "not an e-mail address"),
            say("请写成 zhangsan@example.cn 的样式", "write it like zhangsan@example.cn"),
        )
    local, _, domain = _not_too_long(column, address).partition("@")
    return f"{local}@{domain.lower()}"


def read_id_number(_column: Column, text: str) -> str:
    """A citizen ID number of 18 or 15 places; whether it is valid is for rules/identity to say."""
    number = unmangled(plain(text)).replace(" ", "").upper()
    if not _IDENTITY.fullmatch(number):
        raise BadCell(
            say("不是 18 位身份证号", "not an 18-place ID number"),
            say(
                "请核对位数，并把该列设为“文本”后重新输入", "check the digits, set the column to Text and type it again"
            ),
        )
    return number


def read_elder(_column: Column, text: str) -> str:
    """An elder: a normalised 18-place ID number, or the system's reference, which begins with a letter.

    A birth date in the future is for the store to refuse, which knows the day.
    """
    said = unmangled(plain(text))
    if said[:1].isalpha():
        if not is_ref(said) or not said.upper().startswith("E"):
            raise BadCell(
                say("系统编号有误(位数或校验码不符)", "not a reference: its length or check character is wrong"),
                say("请对照原文核对，形如 E-7K3Q-9XM1", "compare it with the source; it looks like E-7K3Q-9XM1"),
            )
        return canonical(said)
    try:
        return identity(said, date.max).number
    except IdentityRefused as refused:
        raise broken_number(refused) from None


def broken_number(refused: IdentityRefused) -> BadCell:
    """The rule an ID number breaks, as problem and remedy."""
    zh, en = SENTENCES[refused.rule]
    problem, _, remedy = say(zh.replace("；", ";").rstrip("。"), en.rstrip(".")).partition(";")
    return BadCell(problem, remedy.strip())


def read_when(_column: Column, text: str) -> date | datetime:
    """A day, or a date and time (aware UTC)."""
    return when_of(text)


READERS: dict[Kind, Callable[[Column, str], object]] = {
    "text": read_text,
    "name": read_name,
    "code": read_code,
    "int": read_int,
    "number": read_number,
    "date": read_date,
    "instant": read_instant,
    "yesno": read_yesno,
    "choice": read_choice,
    "choices": read_choices,
    "phone": read_phone,
    "email": read_email,
    "id_number": read_id_number,
    "elder": read_elder,
    "when": read_when,
    "period": read_period,
    "account": read_account,
    "fen": read_fen,
    "mark": read_mark,
}


def read_cell(column: Column, text: str) -> object:
    """The value a cell means; a blank one is the column's default.

    Raises:
        BadCell: the text is not of the column's kind, or blank where it may not be.
    """
    if not text or _blank(column, text):
        if column.needed:
            raise BadCell(say("不能为空", "must not be blank"), say("请补填", "fill it in"))
        return column.default
    if text.startswith("#") and _BROKEN.fullmatch(text.strip()):
        raise BadCell(
            say("公式出错，没有结果", "a formula that failed"),
            say("请改正公式，或直接填写内容", "mend the formula or type the value itself"),
        )
    return READERS[column.kind](column, text)


def _blank(column: Column, text: str) -> bool:
    """Whether a cell shows nothing, or, where no prose is expected, a stroke that means nothing."""
    if len(text) > LONGEST_STROKE and text.isascii():
        return text.isspace()
    said = plain(text).strip()  # a line break alone is what Alt+Enter leaves
    return not said or (said in STROKES and column.kind not in {"text", "name"} and not column.needed)


def _not_too_long(column: Column, text: str) -> str:
    longest = LONGEST[column.kind]
    if len(text) > longest:
        raise BadCell(say(f"超过 {longest} 个字", f"longer than {longest} characters"), say("请缩短", "shorten it"))
    return text


def _one_of(column: Column) -> str:
    zh, en = "、".join(column.options.values()), ", ".join(column.options)
    return say(f"请填：{zh}", f"write one of: {en}")
