"""XML from outside: no entity, no document type, nothing fetched, little memory, and a broken file says where."""

import tracemalloc
from collections.abc import Callable, Iterator
from itertools import chain, repeat

import pytest

from rules.bank_xml import XmlDamaged, XmlSuspicious, elements, leaf, leaves, local, namespace
from rules.errors import LANGUAGE


def names(*pieces: bytes) -> list[str]:
    return [local(each) for each in elements(pieces, lambda each: local(each) == "pay", depth=1)]


BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(BOMB + b"<a>&c;</a>", id="a bomb of entities"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', id="a local file"),
        pytest.param(b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>', id="an external document type"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///dev/zero">%p;]><a/>', id="a parameter entity"),
        pytest.param(b"<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE a><a/>", id="a bare document type"),
        pytest.param('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16"), id="in UTF-16"),
        pytest.param(b'<?xml version="1.0" encoding="GBK"?><a/>', id="an encoding of several bytes"),
        pytest.param(b'<?xml version="1.0" encoding="x-none"?><a/>', id="an encoding nobody knows"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_hostile_xml_is_refused_however_it_is_cut(content: bytes, size: int) -> None:
    with pytest.raises(XmlSuspicious):
        names(*(content[at : at + size] for at in range(0, len(content), size)))


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(lambda: chain([b"<a><pay>"], repeat(b"x" * 60_000)), id="a text without end"),
        pytest.param(lambda: chain([b"<a>"], repeat(b"<b>" * 20_000)), id="nesting without end"),
        pytest.param(lambda: chain([b"<a><pay>"], repeat(b"<b/>" * 15_000)), id="children without end"),
        pytest.param(lambda: repeat(b" " * 60_000), id="blanks without end"),
        pytest.param(lambda: chain([b"<!--"], repeat(b"x" * 60_000)), id="a comment without end"),
        pytest.param(lambda: chain([b"<a b='"], repeat(b"x" * 60_000)), id="an attribute without end"),
    ],
)
def test_what_never_ends_is_refused_soon(pieces: Callable[[], Iterator[bytes]]) -> None:
    with pytest.raises(XmlSuspicious):
        for _ in elements(pieces(), lambda each: local(each) == "pay", depth=1):
            pass


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(b"<a>\n<pay>1</pay>\n<pay", 3, id="cut short in a tag"),
        pytest.param(b"<a>\n<pay>1</pay>\n", 3, id="cut short between two"),
        pytest.param(b"<a>\n<pay>1</a>", 2, id="closed in the wrong order"),
        pytest.param(b"<a>\n&undefined;</a>", 2, id="an entity nobody declared"),
        pytest.param(b"<a>\n\x00</a>", 2, id="NUL"),
        pytest.param(b"<a/>\n<b/>", 2, id="two roots"),
        pytest.param(b"<a/><!DOCTYPE a>", 1, id="a document type after the root"),
        pytest.param(b"", 1, id="nothing"),
        pytest.param(b"key,fen\r\n", 1, id="csv"),
        pytest.param(b"<a>\xff</a>", 1, id="not UTF-8"),
    ],
)
def test_a_broken_file_says_in_which_line(content: bytes, line: int) -> None:
    with pytest.raises(XmlDamaged) as damaged:
        names(content)
    assert damaged.value.line == line
    assert f"第 {line} 行" in str(damaged.value)
    token = LANGUAGE.set("en")
    assert f"line {line}," in str(damaged.value)
    LANGUAGE.reset(token)


def test_elements_come_whole_and_their_surroundings_when_they_end() -> None:
    content = b'<a xmlns="urn:x"><head><id> 7 </id></head><pay><b><c>1</c></b></pay><pay><b/></pay></a>'
    seen = list(elements([content], lambda each: local(each) == "pay", depth=1))
    assert [(local(each), leaf(each, "b", "c")) for each in seen] == [
        ("head", ""),
        ("pay", "1"),
        ("pay", ""),
        ("a", ""),
    ]
    assert {namespace(each) for each in seen} == {"urn:x"}
    whole = next(elements([content], lambda each: local(each) == "head", depth=1))
    assert leaves(whole) == {"id": "7"}


def test_three_megabytes_pass_in_a_fraction_of_their_size() -> None:
    one = b"<pay>" + b"<b>12345</b>" * 10 + b"</pay>\n"
    block = one * 100
    tracemalloc.start()
    count = sum(
        1 for _ in elements(chain([b"<a>"], repeat(block, 200), [b"</a>"]), lambda each: local(each) == "pay", 1)
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_001
    assert peak < 1024 * 1024
