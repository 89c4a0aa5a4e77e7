"""README.md against the commands that it shows."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT, Project

README = (ROOT / "README.md").read_text()


def test_the_readme_s_table_is_what_the_command_prints() -> None:
    held = README.split("<!-- claims -->\n")[1].split("\n<!-- end of claims -->")[0]
    printed = subprocess.run(
        [sys.executable, "-m", "stages.claims", "laptop"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert held == printed.strip()


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 15
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_worked_diff_applies_and_runs(project: Project) -> None:
    (diff,) = re.findall(r"```diff\n(.*?)```", README, re.DOTALL)
    subprocess.run(["git", "apply"], input=diff, text=True, cwd=project.folder, check=True)
    for stage in ("generate", "train", "extract", "render"):
        project.succeed(stage, "learning_rate")
    assert (project.folder / "figures/smoke/learning_rate/learning_rate.svg").exists()
