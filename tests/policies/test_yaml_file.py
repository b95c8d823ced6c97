"""YAML built to harm, or only mistaken: a sentence with line and fault, in little time; never an incident."""

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from notifications.catalogue import BadIds, read_ids
from notifications.channels.json_gateway_form import BadGatewayFile, read_gateway
from policies import book
from policies.book import BadPolicy
from policies.yaml_file import MOST_BYTES, YamlRefused, read_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 8)}]\n" for n in range(8)
)
HOSTILE = [
    pytest.param("since: 2026-02-30", "第 1 行", id="no such day"),
    pytest.param("x: 1\ny: 2026-13-01T99:00:00Z", "第 2 行", id="no such moment"),
    pytest.param(BOMB, "别名", id="a bomb of aliases"),
    pytest.param("a: &a [*a]", "别名", id="a list in itself"),
    pytest.param("<<: {a: 1}", "合并键", id="a merge key"),
    pytest.param("a: 1\nb: 2\na: 3", "第 3 行：a 出现了两次", id="a key twice"),
    pytest.param("[" * 100_000, "层次过深", id="deep lists"),
    pytest.param("{a: " * 50_000, "层次过深", id="deep mappings"),
    pytest.param("\n".join(" " * n + "a:" for n in range(1000)), "层次过深", id="deep blocks"),
    pytest.param("a: [" + "1," * 100_000 + "]", "内容过多", id="many nodes"),
    pytest.param("a: " + "9" * 5000, "过长", id="a long number"),
    pytest.param("a: " + "1:1" * 100_000, "过长", id="a number to the base of sixty"),
    pytest.param("a: !!bool maybe", "第 1 行", id="a tag that lies"),
    pytest.param("a: !!timestamp soon", "第 1 行", id="a moment that is none"),
    pytest.param("a: !!int ''", "第 1 行", id="a number that is none"),
    pytest.param("a: !!python/object/apply:os.system ['true']", "第 1 行", id="a program"),
    pytest.param("? [a, b]\n: 1", "第 1 行", id="a list as key"),
    pytest.param("a: \x07", "YAML", id="a control character"),
    pytest.param("a: 1\n---\nb: 2", "第 2 行", id="two documents"),
    pytest.param("a: [1", "第", id="cut short"),
    pytest.param("#" * (MOST_BYTES + 1), "字节", id="too large"),
]


@pytest.mark.parametrize(("text", "said"), HOSTILE)
def test_hostile_yaml_is_refused_with_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text, "utf-8")
    start = time.monotonic()
    with pytest.raises(YamlRefused, match=said):
        read_yaml(path)
    assert time.monotonic() - start < 10


@pytest.mark.timeout(10)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda _: None])
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "p.yaml")
    with pytest.raises(YamlRefused):
        read_yaml(tmp_path / "p.yaml")


def test_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes("source: 区民政局".encode("gb18030"))
    with pytest.raises(YamlRefused, match="编码"):
        read_yaml(tmp_path / "p.yaml")


@pytest.mark.parametrize("text", ["since: 2026-02-30", "duty:\n" + " - [" * 3000, BOMB])
def test_policies_ids_and_gateways_read_the_same_way(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadPolicy, match=r"p\.yaml.*请改正"):
        book.in_force("duty", date(2026, 3, 1), path)
    with pytest.raises(BadIds, match=r"p\.yaml.*请改正"):
        read_ids(path)
    with pytest.raises(BadGatewayFile, match=r"p\.yaml.*改正"):
        read_gateway(path)


def test_quoted_texts_may_be_long_and_an_empty_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f'a: "{"x" * 5000}"', "utf-8")
    assert read_yaml(path) == {"a": "x" * 5000}
    path.write_text("", "utf-8")
    assert read_yaml(path) is None
