"""The doctor's look at the channels: mail server, SMS providers, answer page, operators -> findings with remedies."""

from collections.abc import Iterator

from flows.alarms import operators
from flows.finding import Finding, bad, ok, warn
from flows.outlets import channels, sms_channels
from flows.outlets_unset import Unset
from flows.settings import NO_SMS, Settings
from notifications.catalogue import catalogue
from notifications.channels.contract import Channel, ChannelDown
from notifications.channels.email import Smtp
from notifications.channels.robots import Robots
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
    """See whether every SMS that the policy wants can be carried by a provider that is set up."""
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
                str(channel.error)
                if isinstance(channel, Unset)
                else say("短信通道 {} 不可用（{}）。", "{} takes no SMS ({}).").format(down.provider, down.code),
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


def callbacks(settings: Settings) -> Iterator[Finding]:
    """Who is told to answer by SMS must be heard, by whichever provider the message went out."""
    named = settings.sms.split(",")
    called = settings.callback_secret is not None and bool(settings.answer_url)
    deaf = [name for name in named if name == "gateway" or (name == "aliyun" and not called)]
    if settings.sms_replies and deaf:
        yield bad(
            "callbacks",
            say(
                "短信里写着“回复1”，但经 {} 发出的短信收不到回复。", "SMS ask for a reply; through {} none is heard."
            ).format(", ".join(deaf)),
            say(
                "请设置 TUOQI_CALLBACK_SECRET 与 TUOQI_ANSWER_URL 并在服务商处登记回调，或去掉 TUOQI_SMS_REPLIES。",
                "Set TUOQI_CALLBACK_SECRET and TUOQI_ANSWER_URL and enter the callback at the provider, or leave "
                "TUOQI_SMS_REPLIES out.",
            ),
        )
    elif "aliyun" in named and not called:
        yield warn(
            "callbacks",
            say(
                "阿里云的回执没有回调地址，只能逐条查询。",
                "no callback for receipts of Alibaba: each SMS is asked about.",
            ),
            say(
                "请设置 TUOQI_CALLBACK_SECRET 与 TUOQI_ANSWER_URL，并在阿里云登记回调地址。",
                "Set TUOQI_CALLBACK_SECRET and TUOQI_ANSWER_URL, and enter the callback at Alibaba.",
            ),
        )
    elif set(named) & {"aliyun", "tencent"} and called:
        yield ok("callbacks", say("服务商可以回调回执和回复", "providers may call with receipts and replies"))


def alarms(settings: Settings) -> Iterator[Finding]:
    """Somebody must hear when messages are stuck.

    Raises:
        BadOperator: one of them cannot be reached; the doctor makes that a finding.
    """
    named = operators(settings)
    yield from _robots(settings, [name for channel, name in named if channel == "robot"])
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


def _robots(settings: Settings, wanted: list[str]) -> Iterator[Finding]:
    """Robots must be known by the names that operators have."""
    (channel,) = channels(settings)["robot"]
    remedy = say("请更正 TUOQI_ROBOTS 或 TUOQI_OPERATORS。", "Correct TUOQI_ROBOTS or TUOQI_OPERATORS.")
    if isinstance(channel, Unset):
        yield bad("robots", str(channel.error), remedy)
    elif isinstance(channel, Robots):
        for name in sorted({*wanted} - channel.names):
            yield bad(
                "robots", say("TUOQI_ROBOTS 中没有机器人 {}。", "no robot {} in TUOQI_ROBOTS.").format(name), remedy
            )
    elif wanted:
        make = bad if settings.environment == "production" else warn
        told = say("群机器人的消息只写入 {}。", "messages to robots are only written to {}.").format(_outbox(settings))
        yield make("robots", told, say("请设置 TUOQI_ROBOTS。", "Set TUOQI_ROBOTS."))
