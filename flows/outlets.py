"""The ways out of the house that the settings name: channels in order of preference, and who can be asked."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from flows.jobs import is_dead, owner, real_now
from flows.settings import Settings
from models.db import Database
from notifications.channels.contract import Channel
from notifications.channels.email import Smtp
from notifications.channels.enquiry import Enquiry
from notifications.channels.file import MailFiles, SmsFile
from notifications.duty_late import duty_late
from notifications.duty_truth import STILL_TRUE
from notifications.round import Late, Round
from notifications.site import Site
from policies.messages import messages


def round_of(database: Database, chosen: Settings, clock: Callable[[], datetime]) -> Round:
    """Return a round of the outbox for this process, by these settings."""
    return Round(
        database,
        messages(chosen.today(), chosen.policy),
        chosen.tz,
        now=clock,
        real_now=real_now,
        owner=owner(),
        dead=is_dead,
        site=site_of(chosen),
        still_true=STILL_TRUE,
        late=late_readers(chosen),
        pause=lambda wait: time.sleep(wait.total_seconds()),
    )


def site_of(chosen: Settings) -> Site:
    """Return what every message may say of the district."""
    answers = f"{chosen.answer_url}/a/" if chosen.answer_url else ""
    return Site(sign=f"【{chosen.sms_sign.strip('【】')}】", answers=answers, replies=chosen.sms_replies)


def late_readers(chosen: Settings) -> Mapping[str, Late]:
    """Return the readers of what messages tell as it stands when they are sent."""
    return duty_late(chosen.tz, answers=bool(chosen.answer_url))


def channels(chosen: Settings) -> dict[str, list[Channel]]:
    """Return the channels, each with its providers in order of preference."""
    return {"sms": [SmsFile(chosen.folder("outbox"))], "email": [_email(chosen)]}


def enquiries(chosen: Settings) -> list[Enquiry]:
    """Return the providers that can be asked what became of messages."""
    return [channel for channel in channels(chosen)["sms"] if isinstance(channel, Enquiry)]


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
