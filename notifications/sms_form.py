"""An SMS as a provider approves it: sms.txt -> texts with blanks between -> preview, values, text to be submitted.

In China nobody can send free text by SMS: a sign, the id of an approved text, and what goes into its blanks is all that
leaves the house. So sms.txt may hold what a form can hold: texts, `{{ variable }}`, `{{ variable | word }}`, constants
`{{ site.x }}`, and `{% if site.x %}`, which is decided once for an installation. Preview, values and the text to be
submitted come from the same form and cannot disagree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from jinja2 import Environment, TemplateError, nodes

from notifications.catalogue import Template
from notifications.errors import BadTemplate
from notifications.site import DEFAULT, Site
from notifications.variables import Variable, worked
from notifications.words import LISTS, WORDS, shortened

Provider = Literal["aliyun", "tencent"]
_BLANKS: Mapping[Provider, str] = {"aliyun": "${{p{}}}", "tencent": "{{{}}}"}
_PARSER = Environment(autoescape=False)  # noqa: S701 - it parses sms.txt and renders nothing


@dataclass(frozen=True, slots=True)
class Blank:
    """A place for a value: which variable, in which words, and the most characters it takes."""

    variable: Variable
    word: str
    limit: int

    def fill(self, language: str, plain: Any) -> str:
        """Return the text of a value; what is too long for a provider ends with an ellipsis."""
        value = worked(self.variable, plain)
        text = str(WORDS[self.word](language, value) if self.word else value)
        return shortened(text, self.limit) if self.variable.type in {"text", "list"} else text


@dataclass(frozen=True, slots=True)
class Form:
    """Fixed texts and the blanks between them; there is one text more than there are blanks."""

    texts: tuple[str, ...]
    blanks: tuple[Blank, ...]

    def filled(self, values: Sequence[str]) -> str:
        """Put values into the blanks."""
        pieces = [self.texts[0]]
        for value, text in zip(values, self.texts[1:], strict=True):
            pieces += value, text
        return "".join(pieces)


@cache
def form(template: Template, language: str, site: Site) -> Form:
    """Read sms.txt for an installation.

    Raises:
        BadTemplate: it holds something that no provider's form can hold.
    """
    where = f"{language}/sms.txt"
    texts, blanks = [""], list[Blank]()
    try:
        tree = _PARSER.parse((template.folder / language / "sms.txt").read_text("utf-8").rstrip("\n"))
        for piece in _pieces(template, site, tree.body):
            if isinstance(piece, Blank):
                blanks.append(piece)
                texts.append("")
            else:
                texts[-1] += piece
    except (TemplateError, OSError) as error:
        raise BadTemplate(template.name, f"{where}: {type(error).__name__}") from error
    except ValueError as error:
        raise BadTemplate(template.name, f"{where}: {error}") from error
    return Form(tuple(texts), tuple(blanks))


def provider_text(template: Template, language: str, provider: Provider, site: Site = DEFAULT) -> str:
    """Return the text to be submitted for approval, without the sign.

    Blanks are ${p1}, ${p2}... at Alibaba Cloud and {1}, {2}... at Tencent Cloud, in the order of `Sms.values`.

    Raises:
        BadTemplate: sms.txt holds something that no provider's form can hold.
    """
    found = form(template, language, site)
    return found.filled([_BLANKS[provider].format(number) for number in range(1, len(found.blanks) + 1)])


def _pieces(template: Template, site: Site, body: Sequence[nodes.Node]) -> Iterator[str | Blank]:
    for node in body:
        if isinstance(node, nodes.Output):
            for child in node.nodes:
                yield _piece(template, site, child)
        elif isinstance(node, nodes.If):
            yield from _pieces(template, site, _chosen(site, node))
        else:
            raise ValueError(f"line {node.lineno}: {type(node).__name__}")  # noqa: TRY004 - of the template


def _piece(template: Template, site: Site, node: nodes.Expr) -> str | Blank:
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Name):
        return _blank(template, node.name, "")
    if isinstance(node, nodes.Filter) and isinstance(node.node, nodes.Name) and not node.args and not node.kwargs:
        return _blank(template, node.node.name, node.name)
    constant = _constant(site, node)
    if not isinstance(constant, str):
        raise ValueError(f"line {node.lineno}: {{{{ {type(node).__name__} }}}}")  # noqa: TRY004 - of the template
    return constant


def _blank(template: Template, name: str, word: str) -> Blank:
    variable = template.variables.get(name)
    if variable is None:
        raise ValueError(f"undeclared variable {name}")
    if (word and word not in WORDS) or (variable.type == "list") != (word in LISTS):
        raise ValueError(f"{{{{ {name} | {word} }}}}")
    return Blank(variable, word, template.limit(name))


def _chosen(site: Site, node: nodes.If) -> Sequence[nodes.Node]:
    for branch in (node, *node.elif_):
        if _holds(site, branch.test):
            return branch.body
    return node.else_


def _holds(site: Site, test: nodes.Node) -> bool:
    if isinstance(test, nodes.Not):
        return not _holds(site, test.node)
    if isinstance(test, nodes.And):
        return _holds(site, test.left) and _holds(site, test.right)
    if isinstance(test, nodes.Or):
        return _holds(site, test.left) or _holds(site, test.right)
    return bool(_constant(site, test))


def _constant(site: Site, node: nodes.Node) -> str | bool:
    """Return a constant of the installation; nothing else is one."""
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name == "site":
        value: str | bool | None = getattr(site, node.attr, None) if node.attr in Site.__slots__ else None
        if value is not None:
            return value
    raise ValueError(f"line {node.lineno}: {type(node).__name__}")
