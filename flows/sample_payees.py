"""The allowances of the made-up district: elders of 80 and more -> accounts, certifications, budgets, staff.

It is as untidy as a real register: a few have no account, a proxy or a certification has expired, a couple shares a
card, a digit is wrong. Numbers begin with 00, which ISO/IEC 7812 keeps for ISO/TC 68: no bank issues such cards,
so none is anybody's, though most check digits are right.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flows.sample_elders import Elder
from flows.sample_files import write_register_files
from flows.sample_names import DOMAIN, PHONE_BLOCKS, full_names, stream
from flows.sample_visits import Visits
from rules.allowances_age import age_on
from rules.bank_card import luhn_digit
from rules.registers.payees import METHODS, PROXY

Rows = Iterator[dict[str, Any]]

PAID_FROM = 80
BANKS = ("富滇银行西山支行", "农业银行马街支行", "云南农信碧鸡信用社", "邮储银行海口营业所", "建设银行永昌支行")
REASONS = ("卧床，行动不便", "失能", "视力障碍", "长期住院", "不会使用银行卡")
NO_ACCOUNT, NO_CERTIFICATION, LATE, PROXIES, EXPIRED, PASSBOOKS, WRONG_DIGIT = 0.02, 0.03, 0.04, 0.08, 0.2, 0.05, 0.01
SEND = ("account", "certification", "budget")
"""The order in which the files go in."""
_FEN = {"longevity": 10_000_000, "condolence": 20_000_000}
"""Budgets of the sample, enough for 2,000 elders: 100,000 yuan a month, 200,000 a festival."""


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One officer, as `tuoqi staff add` wants them."""

    number: str
    name: str
    role: str
    phone: str
    email: str


def payee_rows(made: Visits, today: date, months: int = 3) -> dict[str, Rows]:
    """Give the rows of each register, in file order, under the English column names.

    Args:
        made: the district with its elders.
        today: the day on which the files are sent; ages are taken on it, and nobody is certified later.
        months: budgets for as many months from that of `today`, and for the Spring Festival of that year.
    """
    old = [elder for elder in made.elders if age_on(elder.birth_date, today) >= PAID_FROM]
    return {
        "account": _accounts(made.made.seed, old, today),
        "certification": _certifications(made.made.seed, old, today),
        "budget": _budgets(today, months),
    }


def write_payee_files(made: Visits, folder: Path, today: date, months: int = 3) -> dict[str, list[Path]]:
    """Write the files that the district would send, by register, in the order in which they go in."""
    rows = payee_rows(made, today, months)
    return {kind: write_register_files(made.made, kind, list(rows[kind]), folder) for kind in SEND}


def make_staff(seed: int) -> list[StaffMember]:
    """Make up two makers, two approvers, and one who may do both; all to be told at addresses that reach nobody."""
    roles = ("maker", "maker", "approver", "approver", "both")
    names = full_names(stream(seed, "staff name"), [n % 2 == 0 for n in range(len(roles))])
    tails = stream(seed, "staff phone").sample(range(10_000_000), len(roles))
    return [
        StaffMember(f"G{n:03d}", name, role, f"{PHONE_BLOCKS['staff']}{tail:07d}", f"g{n:03d}@{DOMAIN}")
        for n, (name, role, tail) in enumerate(zip(names, roles, tails, strict=True), 1)
    ]


def _accounts(seed: int, old: list[Elder], today: date) -> Rows:
    rng, nobody = stream(seed, "account"), dict.fromkeys(PROXY)
    shared = _number(rng)
    for place, elder in enumerate(old):
        number, bank = _number(rng), rng.choice(BANKS)
        proxy = _proxy(rng, elder, today) if elder.emergency_name and rng.random() < PROXIES else nobody
        holder = str(proxy["proxy_name"]) if proxy["proxy_name"] and rng.random() < 0.3 else elder.name
        if place < 2:  # the first two are a couple with one card
            number, holder, bank, proxy = shared, old[0].name, BANKS[0], nobody
        elif rng.random() < NO_ACCOUNT:
            continue
        since = today - timedelta(days=rng.randint(200, 1500))
        yield {"elder": elder.id_number, "from": since, "bank": bank, "account": number, "holder": holder, **proxy}


def _number(rng: random.Random) -> str:
    """A card of 19 digits, or now and then a passbook; the check digit of one in a hundred cards is wrong."""
    if rng.random() < PASSBOOKS:
        return f"00{rng.randrange(10**10):010d}"
    body = f"00{rng.randrange(10**16):016d}"
    digit = luhn_digit(body)
    return body + (str((int(digit) + 1) % 10) if rng.random() < WRONG_DIGIT else digit)


def _proxy(rng: random.Random, elder: Elder, today: date) -> dict[str, Any]:
    late = rng.random() < EXPIRED
    until = today + timedelta(days=-rng.randint(1, 90) if late else rng.randint(100, 700))
    papers = f"委托书 {until.year - 2}-{rng.randrange(1000):03d}"
    return dict(zip(PROXY, (elder.emergency_name, rng.choice(REASONS), papers, until), strict=True))


def _certifications(seed: int, old: list[Elder], today: date) -> Rows:
    """Certify nearly all within the last ten months, some years ago only, a few never."""
    rng, methods = stream(seed, "certification"), [method for method in METHODS if method != "other"]
    for elder in old:
        fate = rng.random()
        if fate < NO_CERTIFICATION:
            continue
        late = fate < NO_CERTIFICATION + LATE
        day = today - timedelta(days=rng.randint(500, 900) if late else rng.randint(1, 300))
        yield {"elder": elder.id_number, "certified_on": day, "method": rng.choice(methods)}


def _budgets(today: date, months: int) -> Rows:
    for n in range(months):
        years, month = divmod(today.month - 1 + n, 12)
        period = f"{today.year + years}-{month + 1:02d}"
        yield {"programme": "longevity", "period": period, "fen": _FEN["longevity"]}
    yield {"programme": "condolence", "period": f"{today.year}-spring-festival", "fen": _FEN["condolence"]}
    yield {"programme": "condolence", "period": f"{today.year}-double-ninth", "fen": _FEN["condolence"]}
