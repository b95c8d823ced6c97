"""YAML that an operator wrote: a small regular file -> plain values, or a sentence that says line and fault.

Half a policy must not come into force, and a file must not cost more than reading it: no aliases (a bomb of them is a
few hundred bytes), no merge keys, no key twice, little depth, few nodes.
"""

import os
import stat
from pathlib import Path
from typing import Any

import yaml

from rules.errors import say

MOST_BYTES = 1_000_000
MOST_DEPTH = 30
MOST_NODES = 30_000
LONGEST_PLAIN = 1000  # of text without quotes: a number of a million digits is text without quotes
_FAULTS = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)
"""What PyYAML lets out when a scalar is not what it looks like, such as 2026-02-30."""
_MERGE = "tag:yaml.org,2002:merge"


class YamlRefused(ValueError):
    """The file says nothing that can be used; `line` is 0 where it is about the whole file."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(say(f"第 {line} 行：{problem}", f"line {line}: {problem}") if line else problem)
        self.problem, self.line = problem, line


def read_yaml(path: Path) -> Any:
    """Read one YAML document; None if it is empty.

    Raises:
        YamlRefused: it cannot be read, is no regular file, too large, no YAML, or uses what a policy never needs.
    """
    try:
        text = _text(path)
    except (OSError, ValueError) as error:
        if isinstance(error, YamlRefused):
            raise
        zh, en = "无法读取（{}），请核对路径、权限和编码", "it cannot be read ({}), look at path, permissions, encoding"
        problem = say(zh, en).format(type(error).__name__)
        raise YamlRefused(problem) from error
    try:
        return yaml.load(text, _Plain)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise YamlRefused(error.problem or "YAML", mark.line + 1 if mark else 0) from error
    except (yaml.YAMLError, RecursionError, *_FAULTS) as error:
        raise YamlRefused(f"YAML: {type(error).__name__}") from error


def _text(path: Path) -> str:
    """The text of a regular file: a pipe would wait for ever, a device never end."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise YamlRefused(say("不是普通文件", "it is no regular file"))
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise YamlRefused(say(f"超过 {MOST_BYTES} 字节", f"it has more than {MOST_BYTES} bytes"))
    return content.decode("utf-8")


class _Plain(yaml.SafeLoader):
    """YAML without what makes a small file large, or loses a key without a word."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._nodes, self._depth = self._nodes + 1, self._depth + 1
        if isinstance(event, yaml.AliasEvent):
            raise _fault(event, say("不允许别名（*）", "aliases (*) are not allowed"))
        if self._depth > MOST_DEPTH or self._nodes > MOST_NODES:
            raise _fault(event, say("层次过深或内容过多", "it is too deep or says too much"))
        if isinstance(event, yaml.ScalarEvent) and not event.style and len(event.value) > LONGEST_PLAIN:
            raise _fault(event, say("没有引号的文字过长", "a text without quotes is too long"))
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except _FAULTS as error:
            raise _fault(node, str(error)) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for name, _ in node.value:
            key = str(name.value)
            if name.tag == _MERGE:
                raise _fault(name, say("不允许合并键（<<）", "merge keys (<<) are not allowed"))
            if key in seen:
                raise _fault(name, say(f"{key} 出现了两次", f"{key} is given twice"))
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _fault(where: yaml.Node | yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, where.start_mark)  # type: ignore[arg-type]
