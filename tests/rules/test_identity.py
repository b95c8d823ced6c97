"""The national ID number: what is understood, what is refused and by which rule, what is shown of it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import LANGUAGE
from rules.identity import (
    SENTENCES,
    IdentityRefused,
    check_character,
    identity,
    masked_name,
    masked_number,
)

DAY = date(2026, 3, 1)
ORIGIN = date(1900, 1, 1)

areas = st.integers(100000, 999999)
births = st.dates(date(1850, 1, 1), DAY)
sequences = st.integers(0, 999)


def number_of(area: int, born: date, sequence: int) -> str:
    body = f"{area:06d}{born.year:04d}{born.month:02d}{born.day:02d}{sequence:03d}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]  # GB 11643, written out
    remainder = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11
    return body + "10X98765432"[remainder]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        pytest.param("11010519491231002X", "11010519491231002X", id="the example of GB 11643"),
        pytest.param("11010519491231002x", "11010519491231002X", id="lower-case x"),
        pytest.param("11010519491231002x", "11010519491231002X", id="full-width digits and x"),
        pytest.param(" 110105 19491231 002X ", "11010519491231002X", id="spaces around and within"),
        pytest.param(
            "110105\u300019491231\u00a0002\u200bX\t", "11010519491231002X", id="ideographic, hard, zero-width"
        ),
        pytest.param("440524188001010014", "440524188001010014", id="born in 1880"),
        pytest.param("110105491231002", "11010519491231002X", id="15 digits: 19 and the check character are added"),
    ],
)
def test_a_number_is_normalised_as_people_write_it(written: str, number: str) -> None:
    assert identity(written, DAY).number == number


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        pytest.param("", "form", id="empty"),
        pytest.param("1101051949123100", "form", id="16 digits"),
        pytest.param("11010519491231002Y", "form", id="a letter that is no X"),
        pytest.param("1101051949123100X2", "form", id="X before the end"),
        pytest.param("11010549123100X", "form", id="X in 15 digits"),
        pytest.param("１１０１０５１９４９１２３１００２", "form", id="full-width, a digit short"),
        pytest.param("١١٠١٠٥١٩٤٩١٢٣١٠٠٢٣", "form", id="digits of another script"),
        pytest.param("110105194912310029", "checksum", id="wrong check character"),
        pytest.param("11010519491213002X", "checksum", id="two digits exchanged"),
        pytest.param("110105192502290015", "checksum", id="checksum is looked at before the date"),
        pytest.param("110105000229001", "birth_date", id="15 digits of 1900, which was no leap year"),
        pytest.param(number_of(110105, DAY + timedelta(days=1), 1), "future", id="born tomorrow"),
    ],
)
def test_a_refusal_names_the_first_rule_broken(written: str, rule: str) -> None:
    with pytest.raises(IdentityRefused) as refused:
        identity(written, DAY)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("born", "valid"),
    [
        pytest.param("19240229", True, id="29 February of a leap year"),
        pytest.param("19250229", False, id="29 February of a common year"),
        pytest.param("19000229", False, id="1900 was no leap year"),
        pytest.param("20000229", True, id="2000 was one"),
        pytest.param("19490431", False, id="31 April"),
        pytest.param("19491301", False, id="month 13"),
        pytest.param("00000101", False, id="year 0"),
        pytest.param("19860504", True, id="the night clocks went forward in 1986: a day like any other"),
    ],
)
def test_the_birth_date_must_exist(born: str, valid: bool) -> None:
    body = f"530112{born}001"
    number = body + check_character(body + "0")
    if valid:
        assert identity(number, DAY).birth_date == date.fromisoformat(f"{born[:4]}-{born[4:6]}-{born[6:]}")
    else:
        with pytest.raises(IdentityRefused) as refused:
            identity(number, DAY)
        assert refused.value.rule == "birth_date"


def test_someone_born_that_day_is_accepted() -> None:
    assert identity(number_of(530112, DAY, 3), DAY).birth_date == DAY


@pytest.mark.parametrize(
    ("area", "warnings"),
    [
        pytest.param(530112, (), id="Xishan"),
        pytest.param(530199, (), id="a code that no list has"),
        pytest.param(830000, (), id="a residence permit of Taiwan"),
        pytest.param(990000, ("unknown_area",), id="no such province"),
    ],
)
def test_an_unknown_area_is_only_a_warning(area: int, warnings: tuple[str, ...]) -> None:
    assert identity(number_of(area, date(1941, 5, 6), 12), DAY).warnings == warnings


@pytest.mark.parametrize(
    ("sequence", "sex"), [pytest.param(1, "male", id="odd"), pytest.param(998, "female", id="even")]
)
def test_the_last_digit_of_the_sequence_tells_the_sex(sequence: int, sex: str) -> None:
    assert identity(number_of(530112, date(1941, 5, 6), sequence), DAY).sex == sex


@given(areas, births, sequences)
def test_what_went_into_a_number_is_read_from_it(area: int, born: date, sequence: int) -> None:
    read = identity(number_of(area, born, sequence), DAY)
    assert (read.birth_date, read.sex) == (born, "male" if sequence % 2 else "female")
    assert identity(read.number, DAY) == read


@given(areas, births.filter(lambda born: born >= ORIGIN and born.year < 2000), sequences)
def test_15_digits_are_the_same_person_as_18(area: int, born: date, sequence: int) -> None:
    number = number_of(area, born, sequence)
    assert identity(number[:6] + number[8:17], DAY).number == number


@given(areas, births, sequences, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_any_single_wrong_character_is_refused(area: int, born: date, sequence: int, place: int, other: str) -> None:
    number = number_of(area, born, sequence)
    wrong = number[:place] + other + number[place + 1 :]
    if wrong != number:
        with pytest.raises(IdentityRefused):
            identity(wrong, DAY)


@given(areas, births, sequences, st.integers(0, 16))
def test_any_two_neighbours_exchanged_are_refused(area: int, born: date, sequence: int, place: int) -> None:
    number = number_of(area, born, sequence)
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if wrong != number:
        with pytest.raises(IdentityRefused):
            identity(wrong, DAY)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        pytest.param("张小三", "张*三", id="three characters"),
        pytest.param("张三", "张*", id="two"),
        pytest.param("张", "*", id="one"),
        pytest.param("欧阳修文", "欧**文", id="four"),
        pytest.param("阿卜杜拉·买买提", "阿******提", id="a name with a dot"),
        pytest.param("𠮷田㛃", "𠮷*㛃", id="rare characters outside the basic plane"),
        pytest.param(
            "葛\U000e0100小\U000e0101三", "葛\U000e0100*三", id="a variation selector stays with its character"
        ),
        pytest.param("  张三 ", "张*", id="spaces around"),
        pytest.param("", "", id="none"),
    ],
)
def test_a_masked_name_shows_its_ends(name: str, masked: str) -> None:
    assert masked_name(name) == masked


def test_a_masked_number_hides_the_birth_date() -> None:
    assert masked_number("530112194105061234") == "530112********1234"


def test_nothing_that_is_printed_shows_the_number() -> None:
    read = identity("11010519491231002X", DAY)
    assert "19491231" not in f"{read!r}{read}"
    with pytest.raises(IdentityRefused) as refused:
        identity("110105194912310029", DAY)
    assert "110105" not in f"{refused.value!r}{refused.value}"


@pytest.mark.parametrize("rule", SENTENCES)
def test_each_refusal_ends_with_what_to_do_in_both_languages(rule: str) -> None:
    assert "请" in str(IdentityRefused(rule))  # type: ignore[arg-type]
    LANGUAGE.set("en")
    try:
        assert "card" in str(IdentityRefused(rule))  # type: ignore[arg-type]
    finally:
        LANGUAGE.set("zh")
