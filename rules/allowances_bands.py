"""Whether the bands of a notice make sense: every one decides for somebody, and no age between them is forgotten."""

from rules.allowances_facts import Band, Tariff

OLDEST = 150
"""Nobody has reached this age."""


def check_bands(tariff: Tariff) -> None:
    """See that each band of a notice can be reached, and that none in between or above is left without an amount.

    Raises:
        ValueError: names the band and what is wrong with it.
    """
    codes = [band.code for band in tariff.bands]
    if not codes or len(set(codes)) != len(codes):
        raise ValueError("bands: at least one, and each code once")
    for band in tariff.bands:
        _check_band(band, tariff)
    for place, band in enumerate(tariff.bands):
        if all(_decided_before(band, age, at, tariff.bands[:place]) for age in _ages(band) for at in _at(band, tariff)):
            raise ValueError(f"band {band.code}: never decides, an earlier one fits whoever it is for")
    for at in tariff.festivals or (None,):
        _check_cycle(at, [band for band in tariff.bands if not band.festivals or at in band.festivals])


def _check_band(band: Band, tariff: Tariff) -> None:
    if band.age is None and band.category is None:
        raise ValueError(f"band {band.code}: names neither an age nor a category")
    if not _ages(band):
        raise ValueError(f"band {band.code}: until_age comes before age, or age is above {OLDEST}")
    if band.fen <= 0:
        raise ValueError(f"band {band.code}: fen is above 0")
    if band.festivals is not None and not (band.festivals and set(band.festivals) <= set(tariff.festivals)):
        raise ValueError(f"band {band.code}: festivals are some of the programme's own")


def _ages(band: Band) -> range:
    return range(band.age or 0, (OLDEST if band.until_age is None else min(band.until_age, OLDEST)) + 1)


def _at(band: Band, tariff: Tariff) -> tuple[str | None, ...]:
    return band.festivals or tariff.festivals or (None,)


def _decided_before(band: Band, age: int, at: str | None, earlier: tuple[Band, ...]) -> bool:
    """Tell whether somebody of this age, with no category but the band's, is decided by an earlier band."""
    return any(
        age in _ages(other)
        and other.category in {None, band.category}
        and (not other.festivals or at in other.festivals)
        for other in earlier
    )


def _check_cycle(at: str | None, bands: list[Band]) -> None:
    """See that a cycle pays somebody, and that who has an amount by age alone does not lose it by growing older."""
    if not bands:
        raise ValueError(f"bands: none pays at {at}")
    paid = {age for band in bands if band.category is None for age in _ages(band)}
    gaps = set(range(min(paid), OLDEST + 1)) - paid if paid else set()
    if gaps:
        raise ValueError(f"bands: nobody aged {min(gaps)} has an amount, though younger people have; close the gap")
