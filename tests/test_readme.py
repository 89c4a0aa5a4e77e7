"""The READMEs against the files that they link to and the commands that they show."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from stages.claims import FAILS, UNDECIDED, ledger
from stages.params import load_all
from tests.conftest import ROOT, Project

README = (ROOT / "README.md").read_text()
PAGES = sorted([ROOT / "README.md", *(ROOT / "stages").rglob("README.md"), *(ROOT / "data").rglob("README.md")])


@pytest.mark.parametrize("scale", [None, "laptop", "paper", "held_out"])
def test_tables_of_claims_are_what_the_command_prints(scale: str | None) -> None:
    page = README if scale is None else (ROOT / "data/metrics/README.md").read_text()
    held = page.split(f"<!-- {scale or 'claims'} -->\n")[1].split("\n<!-- end -->")[0]
    command = [sys.executable, "-m", "stages.claims", *filter(None, [scale])]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert held == printed.strip()


@pytest.mark.parametrize(
    ("heading", "verdict"), [("What does not hold, and why", FAILS), ("What cannot be told, and what it", UNDECIDED)]
)
def test_the_tables_of_reasons_have_just_the_claims_that_they_are_for(
    monkeypatch: pytest.MonkeyPatch, heading: str, verdict: str
) -> None:
    monkeypatch.chdir(ROOT)
    table = (ROOT / "data/metrics/README.md").read_text().split(f"## {heading}")[1].split("\n## ")[0]
    found = [id for (id, _), other in ledger.decided().items() if other == verdict]
    assert sorted(re.findall(r"^\| ([A-Z]\d+) \|", table, re.M)) == sorted(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_and_heading_that_a_readme_links_to_exists(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(links) > 15 or page.parent != ROOT
    for link in (link for link in links if not link.startswith("https://")):
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not heading or heading in headings(target.read_text()), link


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_formula_is_broken_where_its_minus_would_begin_a_list(page: Path) -> None:
    assert not re.search(r"\([^()\n]*\n\s*[-+*] ", page.read_text())  # an open bracket, then what looks like an item


HEADINGS = ("What came out", "At the paper's own size", "Limits")


@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in (ROOT / "stages/experiments").glob("*/measure.py"))
)
def test_every_story_has_the_same_parts_and_its_lists_are_meant(name: str) -> None:
    text = (ROOT / "stages/experiments" / name / "README.md").read_text()
    found = [heading.partition(":")[0] for heading in re.findall(r"^## (.*)$", text, re.M)]
    assert list(dict.fromkeys(found)) == [heading for heading in HEADINGS if heading in found]
    assert "What came out" in found and "Limits" in found and "**Grid.**" in text
    assert text.rstrip().splitlines()[-1].startswith(f"Run it: `dvc repro render@{name}`")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    assert not any(token.type in ("ordered_list_open", "blockquote_open", "code_block") for token in tokens)
    lines = text.splitlines()
    for token in tokens:
        if token.type == "bullet_list_open" and token.map:
            assert not lines[token.map[0] - 1], lines[token.map[0]]  # and not a line that begins with a minus


def test_every_experiment_is_in_the_table_of_experiments() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\((\w+)/README.md\)", (ROOT / "stages/experiments/README.md").read_text(), re.M)
    folders = {path.parent.name for path in (ROOT / "stages/experiments").glob("*/measure.py")}
    assert {name for name, _ in rows} == {folder for _, folder in rows} == folders
    assert f"[{len(folders)} experiments](stages/experiments/README.md)" in README


def test_a_key_that_a_readme_sets_is_one_that_params_has_and_its_value_is_allowed(tmp_path: Path) -> None:
    """All of them at once, as DVC would write them."""
    found = {one for page in PAGES for one in re.findall(r"(?:-S|--set-param) '([^']+)'", page.read_text())}
    assert len(found) >= 8
    shutil.copy(ROOT / "params.yaml", tmp_path)
    apply_overrides(str(tmp_path / "params.yaml"), sorted(found))
    before, after = (load_all(ROOT / "stages/runs.yaml", folder / "params.yaml") for folder in (ROOT, tmp_path))
    changed = {run.split("/")[1] for run in before if before[run] != after[run]}
    assert changed == {one.lstrip("+~").split(".")[0] for one in found}


def headings(text: str) -> set[str]:
    """What a link to each heading of a page is called."""
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_the_worked_diff_applies_and_runs(tmp_path: Path) -> None:
    """It adds an experiment, here to a project at smoke scale."""
    (diff,) = (diff for page in PAGES for diff in re.findall(r"```diff\n(.*?)```", page.read_text(), re.DOTALL))
    whole, project = tmp_path / "whole", Project(tmp_path / "project", ("geometry",))
    shutil.copytree(ROOT / "stages", whole / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "params.yaml", whole)
    subprocess.run(["git", "apply"], input=diff, text=True, cwd=whole, check=True)
    yaml = YAML(typ="safe")
    params, runs = (yaml.load(whole / name) for name in ("params.yaml", "stages/runs.yaml"))
    (name,) = params.keys() - yaml.load(ROOT / "params.yaml").keys()
    shutil.copytree(whole / "stages/experiments" / name, project.folder / "stages/experiments" / name)
    project.add(name, params[name], runs["laptop"][name])
    project.through(name, "generate", "train", "extract", "render")
    assert list((project.folder / "figures/smoke" / name).iterdir())
