import re

from flows.pages import DOCS, pages


def test_the_pages_in_docs_are_those_the_declarations_give() -> None:
    for path, text in pages().items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale; run `make docs`"


def test_every_link_of_the_readmes_leads_somewhere() -> None:
    root = DOCS.parent
    for readme in ("README.md", "README.zh-CN.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (root / readme).read_text("utf-8")):
            assert (root / target).exists(), f"{readme}: {target}"
