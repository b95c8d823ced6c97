"""The pages of docs/ that come from declarations: `make docs` writes them, a test holds them to the code."""

from pathlib import Path

from rules.registers import REGISTERS, docs_page

DOCS = Path(__file__).parent.parent / "docs"


def pages() -> dict[Path, str]:
    """Return each page that is made from declarations, by its place."""
    registers = list(REGISTERS.values())
    return {DOCS / "registers.md": docs_page(registers, "en"), DOCS / "registers.zh-CN.md": docs_page(registers, "zh")}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
