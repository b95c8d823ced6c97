"""Drains, reconcilers, receipts and opt-outs at once: no deadlock, no lost answer, nothing twice."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Lock

from models.awaited import Patience
from models.db import Database
from models.receipts import Report
from notifications.channels.contract import Outcome, Request
from notifications.channels.enquiry import Found
from tests.notifications.office import BOOK, Asked, Office, Post, drafts

NUMBER = 120


class _Busy(Post):
    """Every second message gets no answer; its books know them all, and tell a receipt at once."""

    def __init__(self, office: Office) -> None:
        super().__init__(batch=6)
        self.office, self.lock, self.known = office, Lock(), dict[str, str]()

    def send(self, call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        with self.lock:
            outcomes = [
                outcome if place % 2 else replace(outcome, verdict="unknown", provider_ref=None)
                for place, outcome in enumerate(super().send(call_id, requests))
            ]
            self.known |= {request.address: f"ref-{request.out_id}" for request in requests}
        told = [Report(f"ref-{each.out_id}", each.address, "delivered", call_id=call_id) for each in requests[::-1]]
        self.office.told(*told)
        return outcomes


def test_drains_reconcilers_receipts_and_opt_outs_do_not_get_in_each_others_way(office: Office) -> None:
    office.policy = replace(office.policy, caps=replace(BOOK.caps, number_day=99, run=999, day=999))
    office.put(*drafts(NUMBER))
    url = office.database.engine.url.render_as_string(hide_password=False)
    post = _Busy(office)

    def alone(work: Callable[[Office], object], number: int) -> None:
        mine = Database(url, office.database.keys)
        work(Office(mine, office.now, office.real, office.policy, owner=f"host:{number}:0"))
        mine.close()

    def ask(mine: Office) -> None:
        asked = Asked()
        asked.answers = {phone: Found("delivered", ref) for phone, ref in post.known.items()}
        for _ in range(12):
            mine.now += timedelta(minutes=1)
            mine.ask(asked, patience=Patience(*[timedelta()] * 4))

    def opt_out(mine: Office) -> None:
        for number in range(30):
            mine.opt_out(f"139{number:08}")
            mine.told()

    works = [lambda mine: mine.drain(post, chunk=6)] * 3 + [ask, ask, opt_out]
    with ThreadPoolExecutor(len(works)) as threads:
        list(threads.map(alone, works, range(len(works))))
    office.told()
    assert Counter(post.phones).most_common(1)[0][1] == 1
    assert office.states() == {"delivered": NUMBER}
