"""What Tencent checks of a call before it takes a message: parameters, account, sign, template, values, number."""

import re
from collections.abc import Mapping
from typing import Any

from notifications.rehearsal.account import Account, Approved, looks_like_web
from notifications.rehearsal.calls import Refusal

_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[3-9]\d{9})", re.ASCII)
_NO_TEMPLATE = Approved("")
_AGAINST = {
    "blacklist": ("FailedOperation.PhoneNumberInBlacklist", "phone number in blacklist"),
    "frequency": ("LimitExceeded.PhoneNumberThirtySecondLimit", "the number of SMS messages within 30 seconds"),
    "daily": ("LimitExceeded.PhoneNumberDailyLimit", "the number of SMS messages within a day"),
}


def mainland(phone: str) -> str | None:
    """Return the 11 digits of a number, which may come with +86, 0086 or 86."""
    found = _MAINLAND.fullmatch(phone)
    return None if found is None else found[1]


def against(held: str | None) -> Refusal | None:
    """Return what stands against a number."""
    return None if held is None else Refusal(*_AGAINST.get(held, (held, "said the rehearsal")))


def text_of(given: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    """Return a parameter that must be text."""
    value = given.get(name)
    if value is None and not needed:
        return ""
    if value is None:
        raise Refusal("MissingParameter", f"The request is missing the parameter {name}.")
    if not isinstance(value, str):
        raise Refusal("InvalidParameter", f"The parameter {name} must be a string.")
    return value


def texts_of(given: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return template number, sign and SessionContext of a SendSms."""
    session = text_of(given, "SessionContext", needed=False)
    if len(session.encode()) >= 512:
        raise Refusal("InvalidParameterValue", "SessionContext is too long.")
    return text_of(given, "TemplateId"), text_of(given, "SignName", needed=False), session


def values_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Return TemplateParamSet by the numbers of the template's slots."""
    values = given.get("TemplateParamSet") or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Refusal("InvalidParameter", "TemplateParamSet must be an array of strings.")
    return {str(place): value for place, value in enumerate(values, 1)}


def whole(given: Mapping[str, Any], name: str) -> int:
    """Return a parameter that must be a whole number."""
    value = given.get(name)
    if value is None:
        raise Refusal("MissingParameter", f"The request is missing the parameter {name}.")
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal("InvalidParameter", f"The parameter {name} must be an integer.")
    return value


def numbers_of(given: Mapping[str, Any], most: int) -> list[str]:
    """Return the numbers of a SendSms as they were written."""
    phones = given.get("PhoneNumberSet")
    if not phones:
        raise Refusal("MissingParameter.EmptyPhoneNumberSet", "PhoneNumberSet is empty.")
    if not isinstance(phones, list) or not all(isinstance(phone, str) for phone in phones):
        raise Refusal("InvalidParameter", "PhoneNumberSet must be an array of strings.")
    if len(phones) > most:
        raise Refusal("LimitExceeded.PhoneNumberCountLimit", f"The number of phone numbers exceeds {most}.")
    return phones


def approved(
    account: Account, app_id: str, template_id: str, sign: str, values: Mapping[str, str]
) -> tuple[Approved, Refusal | None]:
    """Return the template, and what is wrong with account, sign, template or values: it stands at every number."""
    template = account.tencent.get(template_id)
    if app_id != account.app_id:
        return _NO_TEMPLATE, Refusal("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId verify fail")
    if sign not in account.signs:
        return _NO_TEMPLATE, Refusal("FailedOperation.SignatureIncorrectOrUnapproved", "signature is not approved")
    if template is None:
        return _NO_TEMPLATE, Refusal("FailedOperation.TemplateUnapprovedOrNotExist", "template is not approved")
    return template, _unfit(template, values)


def _unfit(template: Approved, values: Mapping[str, str]) -> Refusal | None:
    if set(values) != set(template.variables) or not all(values.values()):
        return Refusal(
            "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
            "request content does not match the approved template",
        )
    if any(len(value) > template.limit for value in values.values()):
        return Refusal("InvalidParameterValue.TemplateParameterLengthLimit", "template parameter length limit")
    if any(looks_like_web(value) for value in values.values()):
        return Refusal("InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", "URL in template parameter")
    return None
