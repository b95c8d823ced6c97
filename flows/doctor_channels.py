"""The doctor's look at the channels: mail server, SMS providers, answer page, operators -> findings with remedies."""

from collections.abc import Iterator

from flows.finding import Finding, bad, ok, warn
from flows.message_watch import operators
from flows.outlets import sms_channels
from flows.settings import NO_SMS, Settings
from notifications.catalogue import catalogue
from notifications.channels.contract import Channel, ChannelDown
from notifications.channels.email import Smtp
from policies import book
from rules.errors import say

_SMTP_S = 3


def email(settings: Settings) -> Iterator[Finding]:
    """Hand no mail over, but dial the server."""
    if settings.email == "file":
        make = bad if settings.environment == "production" else warn
        yield make(
            "email",
            say("邮件只写入 {}，没有人会收到。", "mail is only written to {}; nobody gets it.").format(
                _outbox(settings)
            ),
            say("请设置 TUOQI_EMAIL=smtp 与 TUOQI_SMTP_*。", "Set TUOQI_EMAIL=smtp and TUOQI_SMTP_*."),
        )
        return
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    password = settings.smtp_password.get_secret_value()
    login = {"user": settings.smtp_user, "password": password, "timeout_s": float(_SMTP_S)}
    smtp = Smtp(settings.smtp_host, settings.smtp_port, settings.smtp_security, settings.mail_from, **login)  # type: ignore[arg-type]
    try:
        smtp.open()
    except ChannelDown as down:
        remedy = say("请核对 TUOQI_SMTP_*、证书与网络。", "Check TUOQI_SMTP_*, its certificate and the network.")
        yield bad(
            "email", say("邮件服务器 {} 不可用（{}）。", "{} takes no mail ({}).").format(where, down.code), remedy
        )
    else:
        yield ok("email", say("邮件服务器 {} 可用", "{} takes mail").format(where))
    finally:
        smtp.close()


def _outbox(settings: Settings) -> str:
    return str(settings.var_dir.absolute() / "outbox")


def sms(settings: Settings) -> Iterator[Finding]:
    """See whether every SMS that the policy wants can be carried by a provider that is set up.

    Raises:
        SettingsError, NotificationError: a provider cannot be used as it is set; the doctor makes that a finding.
    """
    used = [
        purpose for purpose, order in book.duty(settings.today(), settings.policy).channels.items() if "sms" in order
    ]
    if not used:
        yield ok("sms", say("当前政策不使用短信", "the policy in force sends no SMS"))
        return
    if settings.sms not in {"file", NO_SMS}:
        yield from _providers(sms_channels(settings))
        return
    make = bad if settings.environment == "production" else warn
    yield make(
        "sms",
        _nowhere(settings),
        say(
            "请设置 TUOQI_SMS=aliyun 等；接入前可用 TUOQI_POLICY 叠加政策，使 {} 只用 email。",
            "Set TUOQI_SMS=aliyun or another; until then lay a policy over (TUOQI_POLICY) in which {} use email alone.",
        ).format(", ".join(used)),
    )


def _nowhere(settings: Settings) -> str:
    if settings.sms == NO_SMS:
        return say("没有短信通道，短信会一直待发。", "there is no SMS provider; SMS stay pending.")
    told = say("短信只写入 {}，没有人会收到。", "SMS are only written to {}; nobody gets them.")
    return told.format(_outbox(settings))


def _providers(offered: list[Channel]) -> Iterator[Finding]:
    remedy = say(
        "请核对 TUOQI_SMS 及该服务商的设置（见 docs/operations.md）。",
        "Check TUOQI_SMS and the settings of this provider (docs/operations.md).",
    )
    for channel in offered:
        try:
            channel.open()
        except ChannelDown as down:
            yield bad(
                "sms",
                say("短信通道 {} 不可用（{}）。", "{} takes no SMS ({}).").format(down.provider, down.code),
                remedy,
            )
        else:
            yield ok("sms", say("短信通道 {} 已设置", "{} is set up").format(channel.provider))
        finally:
            channel.close()
    missing = [
        name
        for name, kind in catalogue().items()
        if "sms" in kind.channels and not any(channel.carries(name, "zh-CN") for channel in offered)
    ]
    if missing:
        told = say("{} 个短信模板还没有编号：{}。", "{} SMS templates have no id: {}.")
        yield warn(
            "sms-templates",
            told.format(len(missing), ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")),
            say(
                "用 tuoqi message preview 名称 --provider 服务商 取得报审文本，审核后填入 TUOQI_SMS_TEMPLATES。",
                "Take the text from `tuoqi message preview NAME --provider ...`, enter its id in TUOQI_SMS_TEMPLATES.",
            ),
        )


def answers(settings: Settings) -> Iterator[Finding]:
    """Links in messages need an address that phones can reach."""
    if settings.answer_url:
        secure = settings.answer_url.startswith("https://") or settings.environment == "development"
        told = say("消息中的链接指向 {}", "links in messages lead to {}").format(settings.answer_url)
        remedy = say("请用 https 地址（在反向代理上配置证书）。", "Use an https address (a certificate at the proxy).")
        yield ok("answers", told) if secure else bad("answers", told + say("，未加密。", ", unencrypted."), remedy)
        return
    yield warn(
        "answers",
        say("没有设置答复页面的地址，消息里没有链接。", "no address of the answer page: messages hold no links."),
        say("请设置 TUOQI_ANSWER_URL（手机能打开的网址）。", "Set TUOQI_ANSWER_URL to an address that phones reach."),
    )


def alarms(settings: Settings) -> Iterator[Finding]:
    """Somebody must hear when messages are stuck.

    Raises:
        BadOperator: one of them cannot be reached; the doctor makes that a finding.
    """
    named = operators(settings)
    if named:
        yield ok("operators", say("告警发给 {} 处", "alarms go to {} places").format(len(named)))
        return
    make = bad if settings.environment == "production" else warn
    yield make(
        "operators",
        say("没有设置值守人员，消息积压时无人知晓。", "no operators: nobody hears when messages are stuck."),
        say(
            "请设置 TUOQI_OPERATORS（邮箱、手机号或 robot:名称）。", "Set TUOQI_OPERATORS (mail, mobile or robot:NAME)."
        ),
    )
