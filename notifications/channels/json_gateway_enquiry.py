"""Asking a gateway what became of a message: the form's question -> its records -> found, nothing, or no clear answer.

"Nothing" may let a message be sent again, so it is said only when the gateway understood the question and showed an
empty list, or records that are surely of others.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from notifications.channels.contract import ChannelDown
from notifications.channels.enquiry import Found, Reply, Report, Unclear
from notifications.channels.fates import plain
from notifications.channels.json_gateway import JsonGateway
from notifications.channels.json_gateway_fates import dig, phone_of
from notifications.channels.json_gateway_form import FoundForm, GatewayForm, QueryForm, word
from notifications.channels.receipts import reference
from notifications.rendering import SIGN

_BEST = ("delivered", "accepted", "undeliverable")


class AskableGateway(JsonGateway):
    """A gateway with a `query`: a `Channel` and an `Enquiry`; arguments as of `JsonGateway`."""

    def __init__(
        self,
        form: GatewayForm,
        query: QueryForm,
        secrets: Mapping[str, str],
        hosts: frozenset[str],
        clock: Callable[[], datetime],
        *,
        sign: str = SIGN,
        development: bool = False,
    ) -> None:
        super().__init__(form, secrets, hosts, clock, sign=sign, development=development)
        self._query = query
        self._asking = self._line(query.url)

    def open(self) -> None:
        """Look the gateway up, also where it answers questions."""
        super().open()
        self._asking.open()

    def find(self, phone: str, days: Sequence[date], call_id: str, provider_ref: str | None) -> Found | None:
        """Ask; day by day where the question names one.

        Raises:
            ChannelDown: no answer; Unclear, when what it answers proves nothing.
        """
        values = {"phone": phone, "call_id": call_id, "provider_ref": provider_ref or ""}
        asked = [day.isoformat() for day in days] if "day" in self._form.asks() else [""]
        if not asked:
            raise Unclear(self.provider, "no day")  # not asked is not "nothing"
        for day in asked:
            found = self._find(phone, {**values, "day": day})
            if found is not None:
                return found
        return None

    def _find(self, phone: str, values: Mapping[str, str]) -> Found | None:
        form, answer = self._query.answer, self._ask(self._asking, self._query.body, values)
        told, code = answer.json(), None
        if answer.status == 200 and told is not None:
            code = word(dig(told, form.code))
        if code is not None and code in form.nothing:
            return None
        if code is None:
            raise ChannelDown(self.provider, f"http {answer.status}")
        if code not in form.accepted:
            raise Unclear(self.provider, plain(code))
        *above, last = form.records.split(".")
        holder = dig(told, ".".join(above)) if above else told
        if not isinstance(holder, Mapping) or last not in holder:
            raise Unclear(self.provider, "no list")
        records = self._of(form, phone, holder[last])
        return min((_found(form, record) for record in records), key=lambda one: _BEST.index(one.state), default=None)

    def _of(self, form: FoundForm, phone: str, records: Any) -> list[Any]:
        """Return the records of one number; a number that cannot be read might be the one."""
        if records is None:
            return []
        if not isinstance(records, list):
            raise Unclear(self.provider, "no list")
        if form.phone is None:
            return records
        numbers = [phone_of(dig(record, form.phone)) for record in records]
        if None in numbers:
            raise Unclear(self.provider, "number not readable")
        return [record for record, number in zip(records, numbers, strict=True) if number == phone]

    def reports(self) -> Iterator[Sequence[Report]]:
        """The form knows no receipts: states come from `find` alone."""
        return iter(())

    def replies(self) -> Iterator[Sequence[Reply]]:
        """The form knows no answers."""
        return iter(())

    def close(self) -> None:
        """Let go of connections."""
        super().close()
        self._asking.close()


def gateway(
    form: GatewayForm,
    secrets: Mapping[str, str],
    hosts: frozenset[str],
    clock: Callable[[], datetime],
    *,
    sign: str = SIGN,
    development: bool = False,
) -> JsonGateway:
    """Return the channel of a form (arguments as of `JsonGateway`); with a `query` it is an `Enquiry` too."""
    if form.query is None:
        return JsonGateway(form, secrets, hosts, clock, sign=sign, development=development)
    return AskableGateway(form, form.query, secrets, hosts, clock, sign=sign, development=development)


def _found(form: FoundForm, record: Any) -> Found:
    state = word(dig(record, form.state))
    ref = reference(word(dig(record, form.ref))) if form.ref else None
    if state in form.delivered:
        return Found("delivered", ref)
    code = plain(state) if state else None
    if state in form.undeliverable or state in form.blocked:
        return Found("undeliverable", ref, code, state in form.blocked)
    return Found("accepted", ref, code)
