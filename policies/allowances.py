"""The rule book of allowances: policies/allowances.yaml and a file for each programme -> what is in force on a day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, get_args

from policies.bank_forms import bank_form
from policies.book import BadPolicy, check_names, in_force, policies, some_of, whole
from rules.allowances_approval import Tier
from rules.allowances_bands import check_bands
from rules.allowances_facts import Band, Cycle, Death, LeapBirthday, Tariff
from rules.bank import BankForm
from rules.errors import NoPolicyInForce
from rules.periods import FESTIVALS
from rules.registers.elders import CATEGORIES

_KEYS = (
    "since", "source", "programmes", "notice_workdays", "approvers", "answer_workdays", "look_back_days", "bank",
)  # fmt: skip
_TARIFF = (
    "since", "source", "notice", "name", "cycle", "opens", "festivals", "bands", "hukou_required", "from_application",
    "certification_months", "death", "not_with", "leap_birthday",
)  # fmt: skip
_BAND, _LIMITS = ("code", "zh", "en", "fen"), ("age", "until_age", "category", "festivals")
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class AllowancesPolicy:
    """One version of policies/allowances.yaml."""

    since: date
    source: str
    programmes: tuple[str, ...]
    notice_workdays: int
    approvers: tuple[Tier, ...]
    answer_workdays: int
    look_back_days: int
    bank: BankForm


def allowances(day: date, overlay: Path | None = None) -> AllowancesPolicy:
    """Return what all programmes share, as in force on `day`.

    Raises:
        NoPolicyInForce: no version covers the day.
        BadPolicy: the version cannot be understood.
    """
    return _version("allowances", day, overlay, _shared)


def tariff(programme: str, day: date, overlay: Path | None = None) -> Tariff:
    """Return the notice of a programme in force on `day`, which is the as_of of a cycle.

    Raises:
        NoPolicyInForce: no version covers the day.
        BadPolicy: there is no such programme, or the version cannot be understood.
    """
    if programme not in policies() or programme == "allowances":
        raise BadPolicy(programme, f"policies/{programme}.yaml: there is no such programme")
    return _version(programme, day, overlay, lambda version: _tariff(programme, version))


def tariffs(programme: str, day: date, overlay: Path | None = None) -> list[Tariff]:
    """Return the versions of a programme from the first to the one in force on `day`, the latest last; maybe none."""
    found: list[Tariff] = []
    try:
        while True:
            found.append(tariff(programme, found[-1].since - timedelta(days=1) if found else day, overlay))
    except NoPolicyInForce:
        return found[::-1]


def _version(name: str, day: date, overlay: Path | None, read: Callable[[dict[str, Any]], Read]) -> Read:
    version = in_force(name, day, overlay)
    try:
        return read(version)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        files = f"{name}.yaml + {overlay}" if overlay else f"{name}.yaml"
        raise BadPolicy(name, f"{files}, since {version['since']}: {error}") from error


def _shared(version: Mapping[str, Any]) -> AllowancesPolicy:
    check_names("version", version, _KEYS)
    programmes = some_of(policies() - {"allowances"}, version["programmes"])
    if len(set(programmes)) != len(programmes):
        raise ValueError("programmes: one is named twice")
    return AllowancesPolicy(
        since=version["since"],
        source=_said("source", version["source"]),
        programmes=programmes,
        notice_workdays=_positive("notice_workdays", version["notice_workdays"]),
        approvers=_tiers(version["approvers"]),
        answer_workdays=_positive("answer_workdays", version["answer_workdays"]),
        look_back_days=whole(version["look_back_days"]),
        bank=bank_form(version["bank"]),
    )


def _tiers(stated: list[Mapping[str, Any]]) -> tuple[Tier, ...]:
    for each in stated:
        check_names("approvers", each, Tier._fields)
    tiers = tuple(Tier(whole(each["fen"]), _positive("approvers", each["approvers"])) for each in stated)
    if not tiers or tiers[0].fen != 0:
        raise ValueError("approvers: the first amount is 0, so that every list is covered")
    if any(after.fen <= before.fen or after.approvers <= before.approvers for before, after in pairwise(tiers)):
        raise ValueError("approvers: amounts and numbers rise from line to line")
    return tiers


def _tariff(programme: str, version: Mapping[str, Any]) -> Tariff:
    check_names("version", version, _TARIFF)
    check_names("name", version["name"], ("zh", "en"))
    others = policies() - {"allowances", programme}
    found = Tariff(
        programme=programme,
        zh=_said("name", version["name"]["zh"]),
        en=_said("name", version["name"]["en"]),
        since=version["since"],
        notice=_said("notice", version["notice"]),
        source=_said("source", version["source"]),
        cycle=_one_of("cycle", get_args(Cycle), version["cycle"]),
        bands=tuple(_band(number, stated) for number, stated in enumerate(version["bands"], 1)),
        opens=whole(version["opens"]),
        festivals=some_of(FESTIVALS, version["festivals"]),
        hukou_required=_yes_no("hukou_required", version["hukou_required"]),
        from_application=_yes_no("from_application", version["from_application"]),
        certification_months=_or_none(version["certification_months"], lambda n: _positive("certification_months", n)),
        death=_one_of("death", get_args(Death), version["death"]),
        not_with=some_of(others, version["not_with"]),
        leap_birthday=_one_of("leap_birthday", get_args(LeapBirthday), version["leap_birthday"]),
    )
    _check_cycle(found)
    check_bands(found)
    return found


def _band(number: int, stated: Mapping[str, Any]) -> Band:
    check_names(f"band {number}", {**dict.fromkeys(_LIMITS), **stated}, (*_BAND, *_LIMITS))
    what = f"band {number}"
    return Band(
        code=_said(f"{what}: code", stated["code"]),
        zh=_said(f"{what}: zh", stated["zh"]),
        en=_said(f"{what}: en", stated["en"]),
        fen=_positive(f"{what}: fen", stated["fen"]),
        age=_or_none(stated.get("age"), whole),
        until_age=_or_none(stated.get("until_age"), whole),
        category=_or_none(stated.get("category"), lambda word: _one_of(what, tuple(CATEGORIES), word)),
        festivals=_or_none(stated.get("festivals"), lambda words: some_of(FESTIVALS, words)),
    )


def _check_cycle(found: Tariff) -> None:
    """See that opening, festivals and death fit the kind of cycle."""
    if found.cycle == "month":
        if found.festivals or not 1 <= found.opens <= 28:
            raise ValueError("a monthly programme has no festivals, and opens on a day from 1 to 28")
    elif not found.festivals or len(set(found.festivals)) != len(found.festivals) or found.opens > 90:
        raise ValueError("a festival programme names its festivals, each once, and opens at most 90 days before")
    elif found.death != "alive_on_as_of":
        raise ValueError("death: a festival pays only those alive on it, so alive_on_as_of")


def _positive(what: str, value: object) -> int:
    if whole(value) == 0:
        raise ValueError(f"{what}: 0 is too little")
    return whole(value)


def _said(what: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what}: {value!r} is no text")
    return value


def _one_of(what: str, allowed: tuple[Any, ...], value: object) -> Any:
    if value not in allowed:
        raise ValueError(f"{what}: {value!r} is none of {list(allowed)}")
    return value


def _yes_no(what: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{what}: {value!r} is neither true nor false")
    return value


def _or_none(value: object, read: Callable[[Any], Read]) -> Read | None:
    return None if value is None else read(value)
