"""The ways out of the house that the settings name: channels in order of preference, and who can be asked.

One that is set wrongly is always down, under the name of what is wrong: the others go on, and operators hear of it.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import get_args

from flows.jobs import is_dead, owner, real_now
from flows.outlets_unset import BadRobots, MissingSetting, Unset
from flows.settings import NO_SMS, Settings
from models.db import Database
from notifications import allowance_late
from notifications.callbacks import CallBackNews
from notifications.catalogue import provider_ids
from notifications.channels import aliyun, json_gateway_enquiry, robots, tencent
from notifications.channels.aliyun import Aliyun
from notifications.channels.contract import Channel
from notifications.channels.email import Smtp
from notifications.channels.enquiry import Enquiry
from notifications.channels.file import MailFiles, RobotFiles, SmsFile
from notifications.channels.gateway import Gateway
from notifications.channels.json_gateway_form import GatewayForm, read_gateway
from notifications.channels.tencent import Tencent
from notifications.duty_late import duty_late
from notifications.duty_truth import STILL_TRUE
from notifications.exams import STILL_TRUE as EXAMS_TRUE
from notifications.issues import STILL_OPEN
from notifications.round import Late, Round, StillTrue
from notifications.site import Site
from notifications.visit_month import month_late
from notifications.visits_late import VisitNews
from policies.messages import MessagePolicy, messages
from rules.errors import TuoqiError
from rules.messages import Rate


def round_of(database: Database, chosen: Settings, clock: Callable[[], datetime]) -> Round:
    """Return a round of the outbox for this process, by these settings."""
    return Round(
        database,
        _policy(chosen),
        chosen.tz,
        now=clock,
        real_now=real_now,
        owner=owner(),
        dead=is_dead,
        site=site_of(chosen),
        districts=chosen.all_districts,
        still_true=still_true(chosen),
        late=late_readers(chosen),
        pause=lambda wait: time.sleep(wait.total_seconds()),
    )


def _policy(chosen: Settings) -> MessagePolicy:
    """The policy in force, with the rate that the gateway's own file states."""
    policy = messages(chosen.today(), chosen.policy)
    if "gateway" not in chosen.sms.split(","):
        return policy
    try:
        form = _form(chosen)
    except TuoqiError:  # the channel itself says so
        return policy
    per_s = max(int(form.rate * form.batch), 1)
    return replace(policy, rates={**policy.rates, form.provider: Rate(per_s, burst=per_s * 5)})


def site_of(chosen: Settings) -> Site:
    """Return what every message says alike."""
    answers = chosen.link("") if chosen.answer_url else ""
    sign = f"【{chosen.sms_sign.strip('【】')}】"
    name = "" if chosen.districts else chosen.district_name  # of a city each mail shows its own
    return Site(sign=sign, answers=answers, replies=chosen.sms_replies, district=name)


def still_true(chosen: Settings) -> Mapping[str, StillTrue]:
    """Return what asks, by template, whether the fact behind a message still holds; a call is asked about, too."""
    return {
        **STILL_TRUE,
        **STILL_OPEN,
        **allowance_late.STILL_TRUE,
        **EXAMS_TRUE,
        **_visit_news(chosen).still_true,
    }


def late_readers(chosen: Settings) -> Mapping[str, Late]:
    """Return the readers of what messages tell as it stands when they are sent."""
    return {
        **duty_late(chosen.tz, answers=bool(chosen.answer_url)),
        **_visit_news(chosen).late,
        **_call_backs(chosen),
        **allowance_late.LATE,
        "visit-month": month_late,
    }


def _call_backs(chosen: Settings) -> Mapping[str, Late]:
    return CallBackNews(tuple(chosen.all_districts), chosen.tz, chosen.now()).late


def _visit_news(chosen: Settings) -> VisitNews:
    return VisitNews(chosen.tz, chosen.policy, chosen.now)


def channels(chosen: Settings) -> dict[str, list[Channel]]:
    """Return the channels, each with its providers in order of preference; the quickest to be heard come first."""
    return {
        "robot": [_made("robot", _robots, chosen)],
        "sms": sms_channels(chosen),
        "email": [_email(chosen)],
    }


def sms_channels(chosen: Settings) -> list[Channel]:
    """Return the SMS providers in order of preference; a district without SMS has none."""
    return [] if chosen.sms == NO_SMS else [_made(name, _SMS[name], chosen) for name in chosen.sms.split(",")]


def enquiries(chosen: Settings) -> list[Enquiry]:
    """Return the providers that can be asked what became of messages."""
    return [channel for channel in sms_channels(chosen) if isinstance(channel, Enquiry)]


def callers(chosen: Settings) -> dict[str, Aliyun | Tencent]:
    """Return the providers that may call us with receipts and replies, by name."""
    named = [channel for channel in sms_channels(chosen) if isinstance(channel, Aliyun | Tencent)]
    return {channel.provider: channel for channel in named}


def _made(provider: str, make: Callable[[Settings], Channel], chosen: Settings) -> Channel:
    try:
        return make(chosen)
    except TuoqiError as error:
        return Unset(provider, error)


def _aliyun(chosen: Settings) -> Channel:
    key_id = _needed(chosen.aliyun_key_id, "TUOQI_ALIYUN_KEY_ID", "aliyun")
    secret = _needed(chosen.aliyun_secret.get_secret_value(), "TUOQI_ALIYUN_SECRET", "aliyun")
    ids, gateway = provider_ids(chosen.sms_templates)["aliyun"], _gateway(aliyun.GATEWAY, chosen.aliyun_url, chosen)
    return Aliyun(key_id, secret, chosen.sms_sign, ids, clock=real_now, gateway=gateway)


def _tencent(chosen: Settings) -> Channel:
    key_id = _needed(chosen.tencent_key_id, "TUOQI_TENCENT_KEY_ID", "tencent")
    secret = _needed(chosen.tencent_secret.get_secret_value(), "TUOQI_TENCENT_SECRET", "tencent")
    app_id = _needed(chosen.tencent_app_id, "TUOQI_TENCENT_APP_ID", "tencent")
    return Tencent(
        key_id,
        secret,
        app_id,
        chosen.sms_sign,
        provider_ids(chosen.sms_templates)["tencent"],
        clock=real_now,
        region=chosen.tencent_region,
        gateway=_gateway(tencent.GATEWAY, chosen.tencent_url, chosen),
        variable_limit=chosen.tencent_variable_limit,
    )


def _gateway(known: Gateway, url: str, chosen: Settings) -> Gateway:
    return replace(known, url=url, hosts=known.hosts | chosen.hosts, development=_at_desk(chosen))


def _json_gateway(chosen: Settings) -> Channel:
    form, desk = _form(chosen), _at_desk(chosen)
    sign = site_of(chosen).sign
    return json_gateway_enquiry.gateway(form, os.environ, chosen.hosts, real_now, sign=sign, development=desk)


def _form(chosen: Settings) -> GatewayForm:
    if chosen.gateway_file is None:
        raise MissingSetting("TUOQI_GATEWAY_FILE", "gateway")
    return read_gateway(chosen.gateway_file)


def _file(chosen: Settings) -> Channel:
    return SmsFile(chosen.folder("outbox"))


_SMS: Mapping[str, Callable[[Settings], Channel]] = {
    "file": _file,
    "aliyun": _aliyun,
    "tencent": _tencent,
    "gateway": _json_gateway,
}


def _robots(chosen: Settings) -> Channel:
    text = chosen.robots.get_secret_value()
    if not text:
        return RobotFiles(chosen.folder("outbox"))
    try:
        named = {name: _robot(**given) for name, given in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        raise BadRobots from None
    hosts = robots.HOSTS | chosen.hosts
    return robots.Robots(named, real_now, hosts=hosts, development=_at_desk(chosen))


def _robot(kind: robots.Kind, url: str, secret: str = "") -> robots.Robot:
    if kind not in get_args(robots.Kind) or not isinstance(url, str) or not isinstance(secret, str):
        raise ValueError("kind, url, secret")
    return robots.Robot(kind, url, secret)


def _email(chosen: Settings) -> Channel:
    if chosen.email == "file":
        return MailFiles(chosen.folder("outbox"), chosen.mail_from)
    return Smtp(
        chosen.smtp_host,
        chosen.smtp_port,
        chosen.smtp_security,
        chosen.mail_from,
        user=chosen.smtp_user,
        password=chosen.smtp_password.get_secret_value(),
        timeout_s=chosen.smtp_timeout_s,
    )


def _needed(value: str, name: str, provider: str) -> str:
    if not value:
        raise MissingSetting(name, provider)
    return value


def _at_desk(chosen: Settings) -> bool:
    return chosen.environment == "development"
