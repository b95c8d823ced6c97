"""JSON bodies from templates: each text of a structure is a small jinja2 template -> JSON, whatever the values hold.

Two moments: what belongs to a message is filled in when the message is composed and frozen; the number of the call and
secrets from the environment only when it leaves, so no secret is ever frozen.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import SandboxedEnvironment

MESSAGE = frozenset({"phone", "text", "out_id", "sign", "template_id", "values"})
"""What a text may say of a message; filled in when that is composed."""

QUESTION = frozenset({"phone", "day", "call_id", "provider_ref"})
"""What a question may say."""

_CALL = frozenset({"call_id", "messages"})
_WITH_CALL = _CALL | {"phone", "out_id"}
_SECRET = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_WHOLE = re.compile(r"\{\{ *(\w+) *\}\}")
_SANDBOX = SandboxedEnvironment(undefined=StrictUndefined)  # JSON, not HTML: json.dumps escapes
_SAMPLE = {**dict.fromkeys(MESSAGE | QUESTION, "0" * 32), "values": ["值"] * 20, "messages": []}


def texts(structure: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield every text of a JSON structure with its dotted path."""
    if isinstance(structure, str):
        yield path, structure
    elif isinstance(structure, dict):
        for key, value in structure.items():
            yield from texts(value, f"{path}.{key}")
    elif isinstance(structure, list):
        for number, value in enumerate(structure):
            yield from texts(value, f"{path}.{number}")


@cache
def names(text: str) -> frozenset[str]:
    """Return the placeholders of a text.

    Raises:
        TemplateError: it is no template.
    """
    return frozenset(find_undeclared_variables(_SANDBOX.parse(text)))


def secrets_of(structure: Any) -> set[str]:
    """Return the names of the environment variables that a structure wants."""
    return {name for _, text in texts(structure, "") for name in _SECRET.findall(text)}


def faults(structure: Any, path: str, allowed: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with the texts of a structure, each with its path."""
    for where, text in texts(structure, path):
        try:
            used = names(text)
            if used - allowed:
                yield f"{where}: {', '.join(sorted(used - allowed))} unknown here"
            elif "messages" in used and not _WHOLE.fullmatch(text.strip()):
                yield f"{where}: {{{{ messages }}}} stands alone"
            elif _is_late(text) and used & MESSAGE - _WITH_CALL:
                yield f"{where}: beside call_id and ${{NAME}} only phone and out_id may stand"
            elif "${" in _SECRET.sub("", text):
                yield f"{where}: ${{NAME}} takes capital letters, digits and _"
            else:
                _filled(text, _SAMPLE)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            yield f"{where}: {type(error).__name__}"


def early(structure: Any, values: Mapping[str, Any]) -> Any:
    """Fill in what belongs to the message; the rest stays as it is written.

    Raises:
        TemplateError, ArithmeticError, LookupError, TypeError, ValueError: a template fails on these values.
    """
    if isinstance(structure, dict):
        return {key: early(value, values) for key, value in structure.items()}
    if isinstance(structure, list):
        return [early(value, values) for value in structure]
    return _filled(structure, values) if isinstance(structure, str) and not _is_late(structure) else structure


def late(structure: Any, frozen: Any, values: Mapping[str, Any], secrets: Mapping[str, str]) -> Any:
    """Fill in the rest of a frozen structure.

    Which texts are left is read from `structure`, not from `frozen`: a message that says {{ call_id }} keeps saying it.
    """
    if isinstance(structure, dict):
        return {key: late(value, frozen[key], values, secrets) for key, value in structure.items()}
    if isinstance(structure, list):
        return [late(value, old, values, secrets) for value, old in zip(structure, frozen, strict=True)]
    if not isinstance(structure, str) or not _is_late(structure):
        return frozen
    return fill(structure, values, secrets)


def fill(structure: Any, values: Mapping[str, Any], secrets: Mapping[str, str]) -> Any:
    """Fill in everything."""
    if isinstance(structure, dict):
        return {key: fill(value, values, secrets) for key, value in structure.items()}
    if isinstance(structure, list):
        return [fill(value, values, secrets) for value in structure]
    filled = _filled(structure, values) if isinstance(structure, str) else structure
    return with_secrets(filled, secrets) if isinstance(filled, str) and _SECRET.search(structure) else filled


def with_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Put secrets in the place of ${NAME}."""
    return _SECRET.sub(lambda found: secrets[found[1]], text)


def _is_late(text: str) -> bool:
    return _SECRET.search(text) is not None or not _CALL.isdisjoint(names(text))


def _filled(text: str, values: Mapping[str, Any]) -> Any:
    """A placeholder that stands alone keeps its type, so {{ values }} is a list; anything else becomes text."""
    whole = _WHOLE.fullmatch(text.strip())
    if whole and whole[1] in values:
        return values[whole[1]]
    return _template(text).render(values)


@cache
def _template(text: str) -> Template:
    return _SANDBOX.from_string(text)
