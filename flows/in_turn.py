"""One district after the other, without a server: what is refused in one keeps no other from its turn."""

from collections.abc import Callable, Mapping
from typing import Any

from flows.settings import Settings
from rules.errors import TuoqiError

Result = dict[str, Any]


def in_turn(chosen: Settings, work: Callable[[Settings], Mapping[str, Any]]) -> list[Result]:
    """Do some work with the settings of each district, and return what came of it beside its code.

    Raises:
        TuoqiError: the first refusal, after all have had their turn.
    """
    told, refused = list[Result](), list[TuoqiError]()
    for code in chosen.all_districts:
        try:
            told.append({"district": code, **work(chosen.of_district(code))})
        except TuoqiError as error:
            refused.append(error)
    if refused:
        raise refused[0]
    return told
