"""The codes of Alibaba Cloud SMS: what each means for a message, and which receipts say that a number is blacklisted.

Sources: help.aliyun.com/document_detail/101346.html (API) and 101347.html (receipts), and the gateway's common codes.
"""

from notifications.channels.contract import TOMORROW
from notifications.channels.fates import (
    BLOCKED,
    LATER,
    REJECTED,
    STOP,
    STOP_TEMPLATE,
    STOP_TODAY,
    UNKNOWN,
    Fate,
    Fates,
)

FATES: Fates = {
    # frequency: of one number, by minute, hour or day (see `frequency`), or of the account
    "isv.BUSINESS_LIMIT_CONTROL": LATER,
    "BUSINESS_LIMIT_CONTROL": LATER,
    "isv.DAY_LIMIT_CONTROL": STOP_TODAY,
    "isv.MONTH_LIMIT_CONTROL": STOP_TODAY,
    "Throttling": Fate("stop", wait=5),
    # one number or one text
    "isv.MOBILE_NUMBER_ILLEGAL": REJECTED,
    "isv.PARAM_LENGTH_LIMIT": REJECTED,
    "isv.PARAM_NOT_SUPPORT_URL": REJECTED,
    "isv.TEMPLATE_PARAMS_ILLEGAL": REJECTED,
    "isv.SMS_CONTENT_ILLEGAL": REJECTED,
    "isv.UNSUPPORTED_CONTENT": REJECTED,
    # once documented as a forbidden word in a variable, now as a number that opted out or complained
    "isv.BLACK_KEY_CONTROL_LIMIT": BLOCKED,
    "isv.CUSTOMER_REFUSED": BLOCKED,
    # sign and template, or how we fill it
    "isv.SMS_SIGNATURE_ILLEGAL": STOP_TEMPLATE,
    "isv.SMS_SIGN_ILLEGAL": STOP_TEMPLATE,
    "isv.SIGN_NAME_ILLEGAL": STOP_TEMPLATE,
    "isv.SIGN_STATE_ILLEGAL": STOP_TEMPLATE,
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": STOP_TEMPLATE,
    "isv.SMS_TEMPLATE_ILLEGAL": STOP_TEMPLATE,
    "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE": STOP_TEMPLATE,
    "isv.TEMPLATE_MISSING_PARAMETERS": STOP_TEMPLATE,
    "isv.INVALID_JSON_PARAM": STOP_TEMPLATE,
    "isv.INVALID_PARAMETERS": STOP_TEMPLATE,
    "isv.EXTEND_CODE_ERROR": STOP_TEMPLATE,
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": STOP_TEMPLATE,
    # money and account
    "isv.AMOUNT_NOT_ENOUGH": STOP,
    "isv.OUT_OF_SERVICE": STOP,
    "isv.ACCOUNT_NOT_EXISTS": STOP,
    "isv.ACCOUNT_ABNORMAL": STOP,
    "isv.PRODUCT_UN_SUBSCRIPT": STOP,
    "isv.PRODUCT_UNSUBSCRIBE": STOP,
    "isv.DENY_IP_RANGE": STOP,
    "isv.MOBILE_COUNT_OVER_LIMIT": STOP,
    "isp.RAM_PERMISSION_DENY": STOP,
    # credentials, signature, clock
    "InvalidAccessKeyId": STOP,
    "MissingAccessKeyId": STOP,
    "SignatureDoesNotMatch": STOP,
    "IncompleteSignature": STOP,
    "MissingSecurityToken": STOP,
    "InvalidSecurityToken": STOP,
    "InvalidTimeStamp": STOP,
    "Forbidden": STOP,
    "NoPermission": STOP,
    "InvalidVersion": STOP,
    "InvalidAction": STOP,
    "InvalidApi": STOP,
    "UnsupportedHTTPMethod": STOP,
    "MissingParameter": STOP_TEMPLATE,
    "InvalidParameter": STOP_TEMPLATE,
    # it may have been taken
    "isp": UNKNOWN,
    "isp.SYSTEM_ERROR": UNKNOWN,
    "isp.GATEWAY_ERROR": UNKNOWN,
    "InternalError": UNKNOWN,
    "ServiceUnavailable": UNKNOWN,
    "SignatureNonceUsed": UNKNOWN,  # ours are random: a relay repeated the request, and the first may have arrived
}

BLACKLISTED = frozenset(
    {"MOBILE_IN_BLACK", "W-BLACK", "MBBLACK", "DBBLACK", *(code for code, fate in FATES.items() if fate is BLOCKED)}
)

_FREQUENCIES = (("天级", TOMORROW), ("小时级", 3600.0), ("分钟级", 60.0))


def frequency(fate: Fate, message: str) -> Fate:
    """Say how long to wait for a number that had too many: only the text of the refusal tells day, hour or minute."""
    if fate is not LATER:
        return fate
    waits = [wait for word, wait in _FREQUENCIES if word in message]
    return Fate("defer", wait=waits[0], one=True) if waits else fate
