"""What a message can be refused for; references and names of variables only, never their values."""

from dataclasses import dataclass

from rules.errors import TuoqiError


class NotificationError(TuoqiError):
    """A message, a template or a channel is not right."""


@dataclass(eq=False)
class UnknownTemplate(NotificationError):
    """No folder of that name under notifications/templates."""

    template: str
    zh = (
        "没有名为 {template} 的消息模板；请用 tuoqi message preview 查看全部名称，新模板放在 notifications/templates/。"
    )
    en = (
        "no message template named {template!r}; see `tuoqi message preview`, or add it under notifications/templates/."
    )


@dataclass(eq=False)
class BadTemplate(NotificationError):
    """A template's folder does not hold what it must."""

    template: str
    what: str
    zh = "消息模板 {template} 有误：{what}；请修改后再用。"
    en = "message template {template!r} is wrong: {what}; correct it first."


@dataclass(eq=False)
class MissingVariable(NotificationError):
    """A declared variable was not given."""

    template: str
    key: str
    variable: str
    zh = "消息 {key}（模板 {template}）缺少变量 {variable}；请补全后重试，本次业务未写入。"
    en = "message {key} (template {template}) lacks variable {variable!r}; supply it. Nothing was written."


@dataclass(eq=False)
class ExtraVariable(NotificationError):
    """A variable was given that the template does not declare."""

    template: str
    key: str
    variable: str
    zh = "消息 {key}（模板 {template}）多出变量 {variable}；请删除或在 meta.yaml 中声明，本次业务未写入。"
    en = "message {key} (template {template}) has {variable!r} too many; remove it, or declare it in meta.yaml."


@dataclass(eq=False)
class BadVariable(NotificationError):
    """A variable has the wrong type, is empty, too long, or holds line breaks."""

    template: str
    key: str
    variable: str
    wanted: str
    zh = "消息 {key}（模板 {template}）的变量 {variable} 不合要求（应为 {wanted}）；请更正，本次业务未写入。"
    en = "message {key} (template {template}): variable {variable!r} must be {wanted}; correct it. Nothing was written."


@dataclass(eq=False)
class BadAddress(NotificationError):
    """The address is not one that the channel can reach."""

    key: str
    recipient: str
    channel: str
    zh = "消息 {key}：{recipient} 的 {channel} 联系方式格式不对；请更正登记表中的电话或邮箱，本次业务未写入。"
    en = "message {key}: the {channel} address of {recipient} is malformed; correct the register. Nothing was written."


@dataclass(eq=False)
class BadDraft(NotificationError):
    """The frame of a message is wrong: channel, language, priority, key or times."""

    key: str
    what: str
    zh = "消息 {key} 的 {what} 不合要求；请更正，本次业务未写入。"
    en = "message {key}: its {what} is not allowed; correct it. Nothing was written."


@dataclass(eq=False)
class TooMany(NotificationError):
    """More messages at once than anybody meant to send."""

    number: int
    ceiling: int
    zh = "一次登记 {number} 条消息，超过上限 {ceiling} 条；请核对名单，确需发送请分批。本次业务未写入。"
    en = "{number} messages at once, the ceiling is {ceiling}; check the list, or send in batches. Nothing was written."
