"""The programmes 项目 that pay elders, by code: what they are called."""

from collections.abc import Mapping

from rules.errors import say

PROGRAMMES: Mapping[str, tuple[str, str]] = {
    "longevity": ("高龄保健金", "longevity allowance"),
    "condolence": ("慰问金", "condolence money"),
}


def programme_name(code: str) -> str:
    """Name a programme in the language of this run."""
    return say(*PROGRAMMES.get(code, (code, code)))
