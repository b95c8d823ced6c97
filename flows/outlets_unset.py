"""Channels that cannot be used as they are set: what is missing or wrong -> a channel that is down and says so."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flows.settings import SettingsError
from notifications.channels.contract import ChannelDown, Letter, Outcome, Request
from rules.errors import TuoqiError


@dataclass(eq=False)
class MissingSetting(SettingsError):
    """A provider was chosen without what it needs."""

    name: str
    provider: str
    zh = "选用了 {provider}，但没有设置 {name}；请设置后重试，消息保留待发。"
    en = "{provider} was chosen without {name}; set it and try again. Messages stay pending."


@dataclass(eq=False)
class BadRobots(SettingsError):
    """TUOQI_ROBOTS is not what it should be; its text is a secret and is not quoted."""

    setting: str = "TUOQI_ROBOTS"
    zh = 'TUOQI_ROBOTS 无法识别；请写成 JSON：{{"ops": {{"kind": "wecom", "url": "https://..."}}}}。'
    en = 'TUOQI_ROBOTS cannot be read; write JSON: {{"ops": {{"kind": "wecom", "url": "https://..."}}}}.'


@dataclass(frozen=True, slots=True)
class Unset:
    """A channel that cannot be used as it is set: it is down, and `code` names the setting to look at."""

    provider: str
    error: TuoqiError
    batch: int = field(default=1, init=False)

    @property
    def code(self) -> str:
        """The setting, or the kind of the error where none is known."""
        return str(getattr(self.error, "setting", getattr(self.error, "name", type(self.error).__name__)))

    def carries(self, _template: str, _language: str) -> bool:
        """Whatever it carried when it was set rightly; `open` says that it carries nothing now."""
        return True

    def open(self) -> None:
        """Refuse.

        Raises:
            ChannelDown: always.
        """
        raise ChannelDown(self.provider, self.code) from self.error

    def compose(self, letter: Letter) -> str:
        """Refuse; nothing gets here, for it never opens."""
        del letter
        raise ChannelDown(self.provider, self.code)

    def send(self, _call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Send nothing."""
        return [Outcome(request.out_id, "stop", code=self.code) for request in requests]

    def close(self) -> None:
        """Nothing was opened."""
