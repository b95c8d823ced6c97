"""XML from outside, read piece by piece in little memory: bytes -> elements near the root, each dropped when seen.

A document type is refused, and with it every entity, default attribute and external file: none of ISO 20022 has one.
Only the prolog can hold it, so a bare parser looks at the prolog first. Nothing is ever fetched.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NoReturn, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser
from xml.parsers import expat

from rules.errors import TuoqiError

PIECE = 64 * 1024
_NO_MEMORY = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]
MOST_NAMES = 1000
"""Different names of elements and attributes, which a parser keeps for ever: pain.002 has about 300."""
MOST_BETWEEN = 256 * 1024
"""Bytes between the ends of two elements near the root: one payment has about 1,000."""


@dataclass(eq=False)
class XmlDamaged(TuoqiError):
    """Cut short or not XML."""

    line: int
    column: int
    why: str
    zh = "XML 文件第 {line} 行第 {column} 列有误（{why}），可能不完整；请向银行重新索取。"
    en = "the XML is broken at line {line}, column {column} ({why}), perhaps cut short; get it from the bank again."


@dataclass(eq=False)
class XmlSuspicious(TuoqiError):
    """Built so that reading it could harm."""

    line: int
    zh_why: str
    en_why: str
    zh = "XML 文件第 {line} 行有异常：{zh_why}；没有读取，请与银行核实来源。"
    en = "the XML was not read for line {line}: {en_why}; ask the bank where it comes from."


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def namespace(element: Element) -> str:
    """The namespace of an element, "" if it has none."""
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def leaf(element: Element, *path: str) -> str:
    """The text at a path of names below an element, in its namespace; "" if there is none."""
    prefix = element.tag[: element.tag.rfind("}") + 1]
    for name in path:
        found = element.find(prefix + name)
        if found is None:
            return ""
        element = found
    return (element.text or "").strip()


def leaves(element: Element) -> dict[str, str]:
    """Local names and texts of an element's children."""
    return {local(child): (child.text or "").strip() for child in element}


def elements(pieces: Iterable[bytes], whole: Callable[[Element], bool], depth: int) -> Iterator[Element]:
    """Yield each element that `whole` says is of interest, complete with what is in it, and drop it then.

    Elements at most `depth` below the root are yielded too when they end, so that whoever reads knows where he is;
    their children that were yielded before are gone by then.

    Args:
        pieces: the file, cut anywhere; see `pieces_of`.
        whole: tells by its start whether an element is wanted in one piece.
        depth: how deep the elements lie that are given when they end, the root being 0.

    Raises:
        MemoryError: it takes more than this process may have.
        XmlDamaged: not XML, or cut short.
        XmlSuspicious: a document type, so much in one element that it cannot be a payment, or too many names.
    """
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    walk = _Walk(whole, depth)
    since, line = 0, 1
    try:
        for piece in _without_doctype(iter(pieces)):
            line += piece.count(b"\n")
            since += len(piece)
            parser.feed(piece)
            for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                if event == "start":
                    walk.enter(element, line)
                elif walk.leave(element):
                    since = 0
                    yield element
                    walk.drop()
            if since > MOST_BETWEEN:
                _suspicious(line, "一个元素过大", "one element is too large")
        parser.close()
    except ParseError as error:
        raise _broken(error) from None


def _broken(error: ParseError) -> Exception:
    """Damage, but for memory that ran out: that says nothing of the file's end."""
    if error.code == _NO_MEMORY:
        return MemoryError()
    at = error.position
    return XmlDamaged(at[0], at[1] + 1, expat.ErrorString(error.code) or "?")


class _Walk:
    """Where the reader is: the open elements, and whether he is inside one that is wanted whole."""

    def __init__(self, whole: Callable[[Element], bool], depth: int) -> None:
        self._names: set[str] = set()
        self._open: list[Element] = []
        self._whole, self._depth, self._inside = whole, depth, 0

    def enter(self, element: Element, line: int) -> None:
        """Go into an element; refuse a name too many."""
        self._open.append(element)
        self._names.add(element.tag)
        self._names.update(element.attrib)
        if len(self._names) > MOST_NAMES:
            _suspicious(line, "名称过多", "it has too many names")
        if not self._inside and self._whole(element):
            self._inside = len(self._open)

    def leave(self, element: Element) -> bool:
        """Come out of it; True if it is to be given."""
        self._open.pop()
        if self._inside:
            if len(self._open) >= self._inside:
                return False
            self._inside = 0
            return True
        return len(self._open) <= self._depth or self._forget(element)

    def drop(self) -> None:
        """Forget what was given; the parent keeps its tag."""
        if self._open:
            self._forget(self._open[-1])

    @staticmethod
    def _forget(element: Element) -> bool:
        element[:] = []
        element.text = element.tail = None
        return False


def _without_doctype(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Give the pieces on once the root has begun without a document type."""
    prolog, found = expat.ParserCreate(), list[bool]()

    def refuse(*_: object) -> NoReturn:
        _suspicious(prolog.CurrentLineNumber, "含有 DOCTYPE（实体）声明", "it declares a document type (entities)")

    prolog.StartDoctypeDeclHandler = refuse
    prolog.StartElementHandler = lambda *_: found.append(True)
    held, size = list[bytes](), 0
    while not found:
        piece = next(pieces, None)
        held, size = [*held, piece or b""], size + len(piece or b"")
        try:
            prolog.Parse(piece or b"", piece is None)
        except expat.ExpatError as error:
            if not found:
                raise XmlDamaged(error.lineno, error.offset + 1, expat.ErrorString(error.code) or "?") from None
        except (ValueError, LookupError):  # an encoding that no parser knows
            _suspicious(1, "编码不是 UTF-8", "its encoding is not UTF-8")
        if size > MOST_BETWEEN and not found:
            _suspicious(prolog.CurrentLineNumber, "开头没有任何元素", "nothing begins")
    return chain(held, pieces)


def _suspicious(line: int, zh: str, en: str) -> NoReturn:
    raise XmlSuspicious(line, zh, en)
