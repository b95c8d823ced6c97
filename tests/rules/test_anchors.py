"""Anchors: each line holds only after the one before it, and a chain that was cut or written anew is found."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.anchors import FIRST, Anchor, AnchorDamaged, anchor, first_broken, read_anchors, standing

KEY, HOME, DAY = b"k" * 32, "530112", date(2026, 3, 1)


def lines(*told: tuple[int, str]) -> list[Anchor]:
    found: list[Anchor] = []
    for n, (seq, restart) in enumerate(told):
        previous = found[-1].seal if found else FIRST
        found.append(anchor(KEY, HOME, DAY + timedelta(days=n), seq, f"mac{seq}", previous, restart))
    return found


def test_lines_come_back_as_they_were_written() -> None:
    written = lines((3, ""), (3, ""), (9, "恢复了 3 月 2 日的备份"))
    assert read_anchors(KEY, HOME, [each.line() for each in written]) == written
    assert read_anchors(KEY, HOME, []) == []


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        pytest.param(lambda said: [said[0].replace("mac3", "mac4"), *said[1:]], 1, id="a seal altered"),
        pytest.param(
            lambda said: [said[0], said[1].replace('"seq": 5', '"seq": 6'), said[2]], 2, id="a number altered"
        ),
        pytest.param(lambda said: [said[0], said[2]], 2, id="a line deleted"),
        pytest.param(lambda said: said[1:], 1, id="the first line deleted"),
        pytest.param(lambda said: [said[1], said[0], said[2]], 1, id="two lines swapped"),
        pytest.param(lambda said: [*said, ""], 4, id="an empty line"),
        pytest.param(lambda said: [*said, '{"seq": 1}'], 4, id="half a line"),
        pytest.param(lambda said: [*said, "[]"], 4, id="another form"),
    ],
)
def test_a_file_that_was_touched_is_told_with_its_line(spoil: object, line: int) -> None:
    said = [each.line() for each in lines((3, ""), (5, ""), (9, ""))]
    with pytest.raises(AnchorDamaged) as damaged:
        read_anchors(KEY, HOME, spoil(said))  # type: ignore[operator]
    assert damaged.value.line == line


def test_lines_of_another_key_or_district_are_not_ours() -> None:
    said = [each.line() for each in lines((3, ""))]
    for key, district in ((b"x" * 32, HOME), (KEY, "530102")):
        with pytest.raises(AnchorDamaged):
            read_anchors(key, district, said)


@pytest.mark.parametrize(
    ("told", "macs", "last", "found"),
    [
        pytest.param([(3, ""), (5, "")], {3: "mac3", 5: "mac5"}, 7, None, id="agrees"),
        pytest.param([], {}, 0, None, id="nothing anchored"),
        pytest.param([(3, ""), (5, "")], {3: "mac3"}, 4, (5, "cut"), id="ends before the last anchor"),
        pytest.param([(3, ""), (5, "")], {}, 0, (1, "cut"), id="nothing is left"),
        pytest.param([(3, ""), (5, "")], {3: "mac3", 5: "new"}, 7, (4, "rewritten"), id="rewritten after the first"),
        pytest.param([(3, ""), (5, "")], {3: "new", 5: "new"}, 7, (1, "rewritten"), id="rewritten from the start"),
        pytest.param([(3, ""), (9, ""), (5, "restored")], {3: "mac3", 5: "mac5"}, 5, None, id="a backup was restored"),
        pytest.param(
            [(3, ""), (9, ""), (5, "restored")], {3: "new", 5: "mac5"}, 5, (1, "rewritten"), id="not its past"
        ),
    ],
)
def test_a_chain_is_compared_with_the_anchors_that_stand(
    told: list[tuple[int, str]], macs: dict[int, str], last: int, found: object
) -> None:
    assert first_broken(standing(lines(*told)), macs, last) == found


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=6).map(sorted), st.integers(1, 30))
def test_whatever_is_rewritten_from_an_entry_up_to_an_anchor_is_found(seqs: list[int], since: int) -> None:
    """A rewrite changes every seal from its entry on; it is found if an anchor lies behind it, at or before that."""
    macs = {seq: f"mac{seq}" if seq < since else "new" for seq in range(1, 31)}
    found = first_broken(lines(*((seq, "") for seq in seqs)), macs, 30)
    if seqs[-1] < since:
        assert found is None
    else:
        assert found is not None
        assert found[1] == "rewritten"
        assert max((seq for seq in seqs if seq < since), default=0) + 1 == found[0] <= since
