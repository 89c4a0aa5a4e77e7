"""What the experiments' README files say: their questions, in groups, and their stories."""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

EXPERIMENTS = Path("stages/experiments")
WORDS = "Words that the stories share:"
ROW = re.compile(r"^\| \[(\w+)\]\(\w+/README\.md\) \| (.*) \|$")


def listed() -> dict[str, dict[str, str]]:
    """Heading, experiment and question of stages/experiments/README.md."""
    found: dict[str, dict[str, str]] = {}
    for line in (EXPERIMENTS / "README.md").read_text().splitlines():
        if line.startswith("## "):
            found[line.removeprefix("## ")] = {}
        elif row := ROW.match(line):
            found[list(found)[-1]][row[1]] = row[2].replace("\\*", "*")
    return found


def words() -> str:
    """The words that stories share, as HTML."""
    text = (EXPERIMENTS / "README.md").read_text().partition("\n## ")[0].partition(WORDS)
    return _html("".join(text[1:]))


def story(name: str) -> str:
    """An experiment's README as HTML, without its title and figures, which the page has; headings are small.

    Links to other experiments lead to their place on the page; of other relative ones the words stay.
    """
    text = (EXPERIMENTS / name / "README.md").read_text().partition("\n")[2]
    text = re.sub(r"\]\(\.\./(\w+)/README\.md[^)]*\)", r"](#\1)", text)
    text = re.sub(r"(?<!!)\[([^\]]*)\]\((?!https://|#)[^)]*\)", r"\1", text)
    return _html(text)


def _html(text: str) -> str:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h3"
    figures = [i for i, token in enumerate(tokens) if [of.type for of in token.children or []] == ["image"]]
    for i in reversed(figures):  # not from the text: two lists on its sides would become one
        del tokens[i - 1 : i + 2]  # with its paragraph
    html: str = parser.renderer.render(tokens, parser.options, {})
    return html
