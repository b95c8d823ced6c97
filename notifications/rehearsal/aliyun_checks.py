"""What Alibaba checks of a message before it takes it: number, sign, template, values; each refusal in its words."""

import re
from collections.abc import Mapping
from typing import Any

from notifications.rehearsal.account import Account, Approved, looks_like_web
from notifications.rehearsal.calls import Refusal

_MAINLAND = re.compile(r"(?:\+86|\+|0086|86)?(1[3-9]\d{9})", re.ASCII)
_AGAINST = {
    "blacklist": ("isv.BLACK_KEY_CONTROL_LIMIT", "手机号在免打扰名单中"),
    "frequency": ("isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5"),
    "daily": ("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:40"),
}


def mainland(phone: Any) -> str:
    """Return the 11 digits of a number, which may come with +, +86, 0086 or 86."""
    found = _MAINLAND.fullmatch(phone) if isinstance(phone, str) else None
    if found is None:
        raise Refusal("isv.MOBILE_NUMBER_ILLEGAL", "非法手机号")
    return found[1]


def checked_sign(account: Account, sign: Any) -> None:
    """Refuse a sign that is not approved."""
    if not isinstance(sign, str) or sign not in account.signs:
        raise Refusal("isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名")


def template_of(account: Account, code: str) -> Approved:
    """Return an approved template."""
    template = account.aliyun.get(code)
    if template is None:
        raise Refusal("isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板")
    return template


def checked_values(template: Approved, given: Any) -> dict[str, str]:
    """Return the values of the template's variables; what it has no variable for is ignored."""
    if not isinstance(given, Mapping) or not all(isinstance(value, str) for value in given.values()):
        raise Refusal("isv.INVALID_JSON_PARAM", "JSON参数不合法，只接受字符串值")
    values: dict[str, str] = {}
    for name in template.variables:
        value = given.get(name)
        if not value:
            raise Refusal("isv.TEMPLATE_MISSING_PARAMETERS", "模板变量中存在未赋值变量")
        if len(value) > template.limit:
            raise Refusal("isv.PARAM_LENGTH_LIMIT", "参数超过长度限制")
        if looks_like_web(value):
            raise Refusal("isv.PARAM_NOT_SUPPORT_URL", "变量不支持传入URL")
        values[name] = value
    return values


def against(held: str | None) -> Refusal | None:
    """Return what stands against a number."""
    return None if held is None else Refusal(*_AGAINST.get(held, (held, "said the rehearsal")))
