"""The ways out of the house that the settings name: channels in order of preference, and providers that can be asked."""

import time
from collections.abc import Callable
from datetime import datetime

from flows.jobs import is_dead, owner, real_now
from flows.settings import Settings
from models.db import Database
from notifications.channels.contract import Channel
from notifications.channels.email import Smtp
from notifications.channels.enquiry import Enquiry
from notifications.channels.file import MailFiles, SmsFile
from notifications.duty_truth import STILL_TRUE
from notifications.round import Round
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
        still_true=STILL_TRUE,
        pause=lambda wait: time.sleep(wait.total_seconds()),
    )


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
