import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from flows import sample
from flows.sample import District, Leave, district, register_rows
from flows.sample_files import write_files
from flows.sample_names import COMMUNITIES, RARE, TWINS, Cadre, Subdistrict, stream
from flows.tables import read_table
from rules.registers import REGISTERS, parse


@pytest.fixture(scope="module")
def xishan() -> District:
    return district()


@pytest.fixture(scope="module")
def sent(xishan: District, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.name: path for path in write_files(xishan, tmp_path_factory.mktemp("sent"))}


def days(made: District) -> Iterator[date]:
    return (made.first + timedelta(days=n) for n in range((made.last - made.first).days + 1))


def test_default_district_has_ten_subdistricts_33_centres_985_cadres(xishan: District) -> None:
    assert (len(xishan.subdistricts), len(xishan.centres), len(xishan.cadres)) == (10, 33, 985)
    assert {posting.cadre.number for posting in xishan.postings} == {cadre.number for cadre in xishan.cadres}
    assert {centre.subdistrict for centre in xishan.centres} == set(COMMUNITIES)
    assert (xishan.centres[0].code, xishan.centres[-1].code) == ("XS-01", "XS-33")


def test_district_shows_the_month_before_and_after(xishan: District) -> None:
    assert (xishan.first, xishan.last) == (date(2026, 2, 1), date(2026, 4, 30))
    turn = district(centres=2, cadres=20, month=date(2026, 12, 24))
    assert (turn.first, turn.last) == (date(2026, 11, 1), date(2027, 1, 31))


def test_same_seed_gives_the_same_district(xishan: District) -> None:
    assert district() == xishan


def test_another_seed_gives_another_district_of_the_same_size(xishan: District) -> None:
    other = district(seed=7)
    assert other.cadres != xishan.cadres
    assert (len(other.centres), len(other.cadres)) == (33, 985)


def test_same_seed_gives_the_same_bytes(xishan: District, sent: dict[str, Path], tmp_path: Path) -> None:
    again = {path.name: path.read_bytes() for path in write_files(xishan, tmp_path)}
    assert again == {name: path.read_bytes() for name, path in sent.items()}


def test_global_random_state_is_neither_read_nor_moved(xishan: District) -> None:
    random.seed(1)
    before = random.getstate()
    assert district() == xishan
    assert random.getstate() == before


def test_streams_of_two_nouns_are_independent() -> None:
    assert stream(1, "elder").random() != stream(1, "helper").random() != stream(2, "helper").random()


def test_noun_that_draws_differently_leaves_the_others_alone(xishan: District, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(seed: int, *_args: object) -> Iterator[Leave]:
        stream(seed, "leave").random()
        return iter(())

    monkeypatch.setattr(sample, "_leaves", none)
    changed = district()
    assert changed.leaves == []
    assert (changed.centres, changed.cadres, changed.postings) == (xishan.centres, xishan.cadres, xishan.postings)


def test_numbers_phones_and_addresses_are_unique_across_nouns(xishan: District) -> None:
    reachable: list[Subdistrict | Cadre] = [*xishan.subdistricts, *xishan.cadres]
    phones = [*(who.phone for who in reachable), *(centre.phone for centre in xishan.centres)]
    for values in (
        [c.number for c in xishan.cadres],
        [c.code for c in xishan.centres],
        phones,
        [w.email for w in reachable],
    ):
        assert len(set(values)) == len(values)


def test_no_phone_or_address_can_reach_anyone(xishan: District) -> None:
    reachable: list[Subdistrict | Cadre] = [*xishan.subdistricts, *xishan.cadres]
    for who in reachable:
        assert re.fullmatch(r"1[3-9]\d{9}", who.phone)
        assert who.phone.startswith("154")
        assert who.email.endswith("@xishan.example")


def test_small_and_large_centres_exist(xishan: District) -> None:
    sizes = Counter(posting.centre for posting in xishan.postings).values()
    assert len([size for size in sizes if 3 <= size <= 6]) == 3
    assert 38 <= max(sizes) <= 46
    assert min(sizes) >= 3


def test_each_centre_has_one_head_on_the_roster_all_the_time(xishan: District) -> None:
    heads = [posting for posting in xishan.postings if posting.head]
    assert sorted(head.centre for head in heads) == sorted(centre.code for centre in xishan.centres)
    assert all(head.since < xishan.first and head.until is None for head in heads)


def test_some_cadres_are_shared_move_join_and_leave(xishan: District) -> None:
    rows = defaultdict(list)
    for posting in xishan.postings:
        rows[posting.cadre.number].append(posting)
    pairs = [row for row in rows.values() if len(row) == 2]
    shared = [a for a, b in pairs if a.until is None and a.centre != b.centre]
    moved = [a for a, b in pairs if a.until and b.since == a.until + timedelta(days=1)]
    assert len(shared) >= 3
    assert len(moved) >= 2
    assert len(shared) + len(moved) == len(pairs)
    assert sum(xishan.first < posting.since <= xishan.last for posting in xishan.postings) >= 8
    assert sum(posting.until is not None and posting.until < xishan.last for posting in xishan.postings) >= 8


def test_two_rows_of_one_cadre_agree_on_the_person(xishan: District) -> None:
    seen: dict[object, set[tuple[object, ...]]] = defaultdict(set)
    for row in register_rows(xishan)["cadre"]:
        seen[row["number"]].add((row["name"], row["phone"], row["email"], row["rest_day_exempt"]))
    assert {len(persons) for persons in seen.values()} == {1}


def test_about_four_percent_are_free_on_rest_days_and_two_centres_close(xishan: District) -> None:
    assert 20 <= sum(cadre.rest_day_exempt for cadre in xishan.cadres) <= 60
    assert sum(not centre.opens_on_rest_days for centre in xishan.centres) == 2


def test_awkward_names_are_there(xishan: District) -> None:
    names = Counter(cadre.name for cadre in xishan.cadres)
    assert all(names[name] for name, _ in RARE)
    assert names[TWINS] >= 2
    assert max(map(len, names)) > 15
    assert sum("·" in name for name in names) >= 5
    assert any(len(name.encode("utf-16-le")) > 2 * len(name) for name in names)


def test_leave_lies_in_the_roster_dates_and_never_overlaps(xishan: District) -> None:
    rosters = defaultdict(list)
    for posting in xishan.postings:
        rosters[posting.cadre.number].append(posting)
    taken: dict[str, list[Leave]] = defaultdict(list)
    for leave in xishan.leaves:
        assert any(posting.covers(leave.since, leave.until) for posting in rosters[leave.person])
        assert all(x.until < leave.since or leave.until < x.since for x in taken[leave.person])
        taken[leave.person].append(leave)


def test_only_women_take_maternity_leave(xishan: District) -> None:
    women = {cadre.number for cadre in xishan.cadres if cadre.woman}
    mothers = {leave.person for leave in xishan.leaves if leave.kind == "maternity"}
    assert mothers
    assert mothers <= women


def test_most_days_one_to_three_of_a_centre_are_on_leave(xishan: District) -> None:
    away = Counter(
        (centre, day)
        for day in days(xishan)
        for leave in xishan.leaves
        if leave.since <= day <= leave.until
        for centre in {p.centre for p in xishan.postings if p.cadre.number == leave.person}
    )
    large = [code for code, size in Counter(p.centre for p in xishan.postings).items() if size > 6]
    counts = Counter(away[code, day] for code in large for day in days(xishan))
    assert sum(counts[n] for n in (1, 2, 3)) > 0.9 * counts.total()
    assert max(counts) <= 5


def test_rows_use_the_registers_columns_and_keys(xishan: District) -> None:
    for kind, rows in register_rows(xishan).items():
        register = REGISTERS[kind]
        assert list(rows[0]) == [column.name for column in register.columns if column.name in rows[0]]
        keys = [tuple(row[key] for key in register.keys) for row in rows]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("街道.xlsx", "subdistrict"),
        ("中心.xlsx", "centre"),
        ("干部花名册.xlsx", "cadre"),
        ("请假.xlsx", "leave"),
        ("请假.csv", "leave"),
    ],
)
def test_each_file_reads_back_as_the_register_rows(
    xishan: District, sent: dict[str, Path], name: str, kind: str
) -> None:
    parsed = parse(REGISTERS[kind], read_table(sent[name], REGISTERS[kind]).grid)
    assert parsed.errors == ()
    assert [row.values for row in parsed.rows] == register_rows(xishan)[kind]


def test_files_are_as_untidy_as_real_ones(sent: dict[str, Path]) -> None:
    text = sent["请假.csv"].read_text(encoding="gb18030")
    title, header, *rows = text.splitlines()
    assert title.startswith("西山区社区干部请假登记表（2026年2月报）")
    assert header.split(",") == [REGISTERS["leave"].column(name).header for name in ("person", "from", "until", "type")]
    assert ",,," in rows
    assert all(re.search(style, text) for style in (r"\d-\d", r"\d年\d", r"\d/\d", "K[０-９]", r"\d ,"))


def test_ten_times_the_district_has_ten_times_the_tiny_centres() -> None:
    made = district(seed=3, centres=330, cadres=9900)
    assert (len(made.centres), len({p.cadre.number for p in made.postings})) == (330, 9900)
    assert len({centre.name for centre in made.centres}) == 330
    sizes = Counter(posting.centre for posting in made.postings)
    assert len([size for size in sizes.values() if size <= 6]) == 30


@pytest.mark.parametrize(
    ("centres", "cadres"),
    [pytest.param(1, 3, id="smallest"), pytest.param(2, 20, id="two"), pytest.param(11, 33, id="all tiny")],
)
def test_small_districts_are_whole(centres: int, cadres: int) -> None:
    made = district(centres=centres, cadres=cadres)
    assert {posting.centre for posting in made.postings} == {centre.code for centre in made.centres}
    assert len({posting.cadre.number for posting in made.postings}) == cadres


def test_too_few_cadres_are_refused() -> None:
    with pytest.raises(ValueError, match="three or more a centre"):
        district(centres=10, cadres=29)
