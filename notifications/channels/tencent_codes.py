"""The codes of Tencent Cloud SMS: what each means for a message, and which receipts say that a number is blacklisted.

Sources: `errorcodes.py` of the official SDK and the common codes of API 3.0. A part before the dot that is listed alone
stands for all of its family. Values are the same in all rows of a call, so a text that is refused is refused for all.
"""

from notifications.channels.fates import (
    BLOCKED,
    LATER,
    NOT_TODAY,
    REJECTED,
    STOP,
    STOP_TEMPLATE,
    STOP_TODAY,
    UNKNOWN,
    Fate,
    Fates,
)

_REJECTED_TEXT = Fate("rejected")
_SLOWER = Fate("stop", wait=5)

_LIMITS: Fates = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": Fate("defer", wait=30, one=True),
    "LimitExceeded.PhoneNumberOneHourLimit": Fate("defer", wait=3600, one=True),
    "LimitExceeded.PhoneNumberDailyLimit": NOT_TODAY,
    "LimitExceeded.PhoneNumberSameContentDailyLimit": NOT_TODAY,
    "LimitExceeded.DeliveryFrequencyLimit": LATER,
    "LimitExceeded": STOP_TODAY,  # of the application or the account
    "LimitExceeded.PhoneNumberCountLimit": STOP,
    "LimitExceeded.AppCountryOrRegionInBlacklist": STOP,
    "LimitExceeded.GlobalSmsSendingRateLimit": _SLOWER,
    "RequestLimitExceeded": _SLOWER,
    "AuthFailure.RequestLimitExceeded": _SLOWER,
}

_ONE: Fates = {
    "FailedOperation.PhoneNumberInBlacklist": BLOCKED,
    "FailedOperation.PhoneNumberParseFail": REJECTED,
    "InvalidParameterValue.IncorrectPhoneNumber": REJECTED,
    "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": REJECTED,
    "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber": REJECTED,
    "UnsupportedOperation.UnsupportedRegion": REJECTED,
    "FailedOperation.ContainSensitiveWord": _REJECTED_TEXT,
    "InvalidParameter.DirtyWordFound": _REJECTED_TEXT,
    "InvalidParameterValue.ContentLengthLimit": _REJECTED_TEXT,
    "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": _REJECTED_TEXT,
    "InvalidParameterValue.TemplateParameterLengthLimit": _REJECTED_TEXT,
}

_TEMPLATE: Fates = {
    "FailedOperation": STOP_TEMPLATE,  # sign or template not approved, not there, not matching, and their kind
    "FailedOperation.MarketingSendTimeConstraint": Fate("stop", scope="template", wait=3600),
    "InvalidParameter": STOP_TEMPLATE,
    "InvalidParameterValue": STOP_TEMPLATE,
    "MissingParameter": STOP_TEMPLATE,
    "UnknownParameter": STOP_TEMPLATE,
    "UnsupportedOperation": STOP_TEMPLATE,
    "InternalError.JsonParseFail": STOP_TEMPLATE,
    "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny": STOP_TEMPLATE,
}

_CHANNEL: Fates = {
    "FailedOperation.InsufficientBalanceInSmsPackage": STOP,
    "FailedOperation.NotEnterpriseCertification": STOP,
    "FailedOperation.ProhibitSubAccountUse": STOP,
    "InvalidParameter.AppidAndBizId": STOP,
    "InvalidParameterValue.SdkAppIdNotExist": STOP,
    "UnauthorizedOperation": STOP,
    "AuthFailure": STOP,
    "InternalError.RequestTimeException": STOP,  # our clock is wrong: refused before anything was sent
    "InternalError.RestApiInterfaceNotExist": STOP,
    "InternalError.SigFieldMissing": STOP,
    "InternalError.SigVerificationFail": STOP,
    "ActionOffline": STOP,
    "InvalidAction": STOP,
    "InvalidRequest": STOP,
    "IpInBlacklist": STOP,
    "IpNotInWhitelist": STOP,
    "NoSuchProduct": STOP,
    "NoSuchVersion": STOP,
    "RequestSizeLimitExceeded": STOP,
    "ResourceInsufficient": STOP,
    "ResourceNotFound": STOP,
    "ResourceUnavailable": STOP,
    "UnsupportedProtocol": STOP,
    "UnsupportedRegion": STOP,
    "DryRunOperation": STOP,
}

_DOUBT: Fates = {
    "InternalError": UNKNOWN,  # time-outs towards the carrier above all
    "FailedOperation.ParametersOtherError": UNKNOWN,  # documented as "unknown error"
    "ResponseSizeLimitExceeded": UNKNOWN,
    "ServiceUnavailable": UNKNOWN,
    "ResourceInUse": UNKNOWN,
}

FATES: Fates = {**_LIMITS, **_ONE, **_TEMPLATE, **_CHANNEL, **_DOUBT}

BLACKLISTED = frozenset({"MBBLACK", "DBBLACK", "DB:0144", "FailedOperation.PhoneNumberInBlacklist"})
