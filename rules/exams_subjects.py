"""The order of subjects in every school report: languages first, the chosen ones last, the total after them."""

from collections.abc import Iterable

TOTAL = "total"
"""The subject under which totals are exported."""
ORDER = ("语文", "数学", "英语", "物理", "历史", "化学", "生物", "政治", "思想政治", "道德与法治", "地理")


def place(subject: str) -> int:
    """Return where a subject stands; others stand before the total, as they came."""
    return len(ORDER) + (subject == TOTAL) if subject not in ORDER else ORDER.index(subject)


def in_order(subjects: Iterable[str]) -> list[str]:
    """Return each subject once, in the order of school reports."""
    return sorted(dict.fromkeys(subjects), key=place)
