"""The page: all its numbers are read from the metrics files, and it works in a browser without a network."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pytest
from PIL import Image
from ruamel.yaml import YAML

from stages.claims import FAILS, HOLDS, UNDECIDED, VERDICTS
from stages.claims.ledger import decided, totals, verdicts
from stages.core import paths
from stages.core.errors import UserError
from stages.report import content, drawings, explorer, pictures, sizes, storage, stories
from stages.report.__main__ import page
from tests.conftest import ROOT, RUNS

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The committed results, of which the metrics may be changed."""
    for name in ("figures", "stages", "params.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/tables").symlink_to(ROOT / "data/tables")
    shutil.copytree(ROOT / "data/metrics", tmp_path / "data/metrics")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts(html: str) -> str:
    """What a reader sees of a page."""
    body = re.sub(r"<script>.*?</script>|<style>.*?</style>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", re.sub(r'src="[^"]*"', "", body))).split())


def change(scale: str, key: tuple[str, str], **values: Any) -> None:
    """Other values of a claim in a scale's metrics."""
    for path in Path("data/metrics", scale).glob("*.json"):
        summary = json.loads(path.read_text())
        for claim in summary["claims"]:
            if (claim["id"], claim["claim"]) == key:
                claim.update(values)
                path.write_text(json.dumps(summary))


def test_a_changed_metric_changes_the_page(results: Path) -> None:
    before = texts(page("laptop"))
    key = next(key for key, verdict in decided().items() if verdict == UNDECIDED and key in verdicts("held_out"))
    part = {"what": "a number", "effect": 0.123456, "low": 0.1, "high": 0.2, "sets": 4, "least": 0.3, "most": None}
    for scale in ("laptop", "held_out"):
        change(scale, key, parts=[part], shown={"another": 7.25}, verdict=FAILS)
    after = texts(page("laptop"))
    assert "a number: 0.123 (0.1 to 0.2" in after and "another: 7.25" in after and "a number: 0.123" not in before
    count = re.compile(r"(\d+) claims that .*?: (\d+) hold, (\d+) do not, and for (\d+) we cannot")
    first, now = ([int(n) for n in count.search(of).groups()] for of in (before, after))  # type: ignore[union-attr]
    assert now == [first[0], first[1], first[2] + 1, first[3] - 1]


def test_parts_are_drawn_to_scale_where_they_have_an_interval_and_a_range(results: Path) -> None:
    path = paths.summary("laptop/regimes")
    summary = json.loads(path.read_text())
    whole = {"what": "x", "effect": 2.0, "low": 1.0, "high": 3.0, "sets": 4, "least": 0.0, "most": None}
    narrow = whole | {"least": 2.0, "most": 6.0}
    claim = summary["claims"][0]
    claim["parts"] = [whole, narrow, whole | {"least": None}, whole | {"low": None, "high": None}]
    path.write_text(json.dumps(summary))
    (of,) = (one for one in content.experiments("laptop") if one.name == "regimes")
    first, second = of.claims[0].bars
    assert first == ("x", 36.1, 91.7, 63.9, 8.3, 100)
    assert second == ("x", 8.3, 41.7, 25.0, 25.0, 91.7)
    assert page("laptop").count('class="bar"') >= 2


def test_the_scorecard_counts_as_readme_does_and_every_claim_once(results: Path) -> None:
    files = [json.loads(path.read_text())["claims"] for path in Path("data/metrics/laptop").glob("*.json")]
    of = content.scorecard(content.experiments("laptop"))
    assert of["all"]["all"] == sum(map(len, files))
    by_source = [count for source, count in of.items() if source != "all"]
    assert all(sum(count[name] for count in by_source) == of["all"][name] for name in ("all", *VERDICTS))
    lines = {source: [str(count[verdict]) for verdict in VERDICTS] for source, count in of.items()}
    printed = [[cell.strip() for cell in line.strip("|").split("|")] for line in totals().splitlines()[2:]]
    assert [row for row in printed if "scale" not in row[0]] == [[source, *counts] for source, counts in lines.items()]


def test_the_first_numbers_are_those_of_their_runs(results: Path) -> None:
    rise, peak = content.numbers("laptop")
    found = [json.loads(paths.summary(f"laptop/{x}").read_text()) for x in ("dataset_size", "replication_gap")]
    assert rise[0] == f"+{found[0]['bump']:.3f}" and f"at {found[0]['bump_T']} points" in rise[1]
    assert peak[0] == f"{found[1]['peak_smallest_eps']:.0f}" and "summed" in peak[1]
    assert content.numbers("nonsense") == []


def test_a_verdict_that_does_not_repeat_on_held_out_sets_is_said_and_decides_nothing(results: Path) -> None:
    alone = verdicts("laptop").keys() & verdicts("held_out").keys() - verdicts("paper").keys()
    key = min(key for key in alone if verdicts("laptop")[key] == verdicts("held_out")[key] == HOLDS)

    def row() -> content.Row:
        return next(row for of in content.experiments("laptop") for row in of.claims if (row.id, row.text) == key)

    assert (row().overall, row().held_out) == (HOLDS, "")
    said = f"on held-out sets: {FAILS}"
    before = texts(page("laptop")).count(said)
    change("held_out", key, verdict=FAILS)
    assert (row().verdict, row().overall, row().held_out) == (HOLDS, UNDECIDED, FAILS)
    assert texts(page("laptop")).count(said) == before + 1
    assert not any(row.held_out for of in content.experiments("paper") for row in of.claims)  # they are the laptop's


def test_claims_of_the_paper_s_scale_stand_beside_those_of_the_laptop_s(results: Path) -> None:
    rows = {row.text: row for of in content.experiments("laptop") for row in of.claims if of.name == "regimes"}
    claims = json.loads(paths.summary("paper/regimes").read_text())["claims"]
    for claim in claims:  # one of which nothing was measured there has no verdict there either
        row = rows[claim["claim"]]
        assert row.other_verdict == (claim["verdict"] if row.other_measured else "")
    assert {bool(rows[claim["claim"]].other_measured) for claim in claims} == {True, False}
    variants = next(of for of in content.experiments("laptop") if of.name == "variants")
    assert all(row.other_verdict == row.other_measured == "" for row in variants.claims)  # not run there


def test_the_page_needs_nothing_from_elsewhere_and_says_what_every_picture_shows(results: Path) -> None:
    html = page("laptop")
    assert len(html.encode()) < 10_000_000
    tags = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    tags = re.sub(r' src="data:[^"]*"', "", tags)
    assert not re.findall(r'src="|srcset|action=|poster=|<link|@import|url\(', tags)
    images = re.findall(r"<img [^>]*>", tags)
    assert len(images) > 30 and all(len(re.search(r'alt="([^"]*)"', image).group(1)) > 20 for image in images)  # type: ignore[union-attr]
    same = set(re.findall(r'data-same="([^"]*)"', tags))
    assert len(same) == len(pictures.PICTURES) + 1 and same <= set(re.findall(r'<img id="([^"]*)"', tags))


def test_every_experiment_is_there_with_its_figures_and_parameters(results: Path) -> None:
    of = {experiment.name: experiment for experiment in content.experiments("laptop")}
    sections = YAML(typ="safe").load(ROOT / "params.yaml")
    assert list(of) == list(RUNS["laptop"])
    for name, experiment in of.items():
        drawn = {f.stem for f in paths.figures(f"laptop/{name}").glob("*") if f.suffix in drawings.KINDS}
        assert {image.name for image in experiment.images} == drawn != set()
        assert experiment.question.endswith("?") or "(" in experiment.question, name
        assert "<h3>" in experiment.story or "<strong>" in experiment.story, name
        assert experiment.caption and (experiment.claims or experiment.questions)
        assert experiment.parameters.startswith(f"{name}:  # ") and "\n\n" not in experiment.parameters
        assert YAML(typ="safe").load(experiment.parameters)[name] == sections[name]


def test_without_results_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("params.yaml", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="run the stages before this one first"):
        page("laptop")


def test_an_svg_is_the_same_picture_to_a_tenth_of_a_point(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    path.write_text(
        '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><!-- a "remark" -->\n'
        '<g transform="translate(1.26 2) scale(0.015625)">'
        '<path id="p" d="M 1.23456 2 L 3.98765 4.5" style="fill: #ff0000"/></g>'
        '<text x="1.23456">50% &amp; more</text></svg>'
    )
    source = drawings.address(path)
    assert '"' not in source and "#" not in source
    root = ET.fromstring(unquote(source.partition(",")[2]))
    group, text = root
    assert group.get("transform") == "translate(1.3 2) scale(0.015625)"  # coordinates alone are shortened
    assert group[0].get("d") == "M 1.2 2 L 4.0 4.5" and group[0].get("style") == "fill: #ff0000"
    assert text.text == "50% & more" and text.get("x") == "1.2"


def test_a_large_svg_is_pixels_on_white(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    marks = "".join(f'<circle cx="{k % 90}" cy="{k // 90}" r="0.3"/>' for k in range(8000))
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">'
    path.write_text(f'{head}<rect width="90" height="90" fill="#ffffff"/>{marks}</svg>')
    assert path.stat().st_size > drawings.LARGE
    source = drawings.address(path)
    assert len(source) < path.stat().st_size / 4
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
        assert picture.size == (135, 135) and picture.convert("RGB").getpixel((134, 0)) == (255, 255, 255)


def test_every_experiment_is_in_one_group_and_one_that_no_readme_names_is_with_the_others(results: Path) -> None:
    every = content.experiments("laptop")
    groups = content.groups(every)
    assert sorted(of.name for group in groups for of in group.experiments) == sorted(RUNS["laptop"])
    assert "Others" not in [group.title for group in groups]
    mine = every[0]._replace(name="mine")
    assert content.groups([*every, mine])[-1] == content.Group("Others", [mine])


def test_a_story_has_no_figure_and_links_to_places_of_the_page(results: Path) -> None:
    for name in RUNS["laptop"]:
        html = stories.story(name)
        assert "<img" not in html and "<h1" not in html and len(html) > 300, name
        links = re.findall(r'href="([^"]*)"', html)
        assert all(link.startswith("https://") or link.removeprefix("#") in RUNS["laptop"] for link in links), name
    assert 'href="#special_cases"' in stories.story("dictionary")
    assert stories.story("attractors").count("<ul>") == 2  # a figure stands between the two lists


def test_the_page_has_the_words_that_stories_share(results: Path) -> None:
    assert stories.words().count("<li>") == 6 and "Words that the stories share: D_f, D_x" in texts(page("laptop"))


def test_one_point_in_three_kinds_of_model_is_drawn_from_five_experiments(results: Path) -> None:
    seen, out = storage.seen("laptop"), storage.taken_out("laptop")
    assert {of.system for of in seen} == {of.system for of in out} == set(storage.SYSTEMS)
    assert all(-1 <= of.low <= of.mean <= of.high <= 1 for of in seen)
    assert all(of.own[0] == of.rest[0] == 1 and len(of.own) == len(of.rest) > 1 for of in out)
    scores = pd.read_parquet(paths.tables("laptop/memorization") / "scores.parquet")
    of = scores[(scores.score == "gradient_norm") & (scores.labels == "all") & (scores.epoch == scores.epoch.max())]
    of = of[(of.asks == "memorisation") & (of.statistic == "rank correlation")]
    (gradient,) = (one for one in seen if one.score == "norm of the gradient")
    assert gradient.mean == pytest.approx(of.value.mean())
    assert storage.draw("laptop").get_axes() and not storage.is_known("nonsense")
    assert storage.draw("nonsense").get_axes()


def decoded(table: dict[str, list[Any]]) -> pd.DataFrame:
    """Rows as the page's script makes them."""
    return pd.DataFrame(
        {
            name: [v for value, count in of for v in [value] * count] if isinstance(of[0], list) else of
            for name, of in table.items()
        }
    )


def test_the_explorer_has_every_run_and_vector_of_its_table(results: Path) -> None:
    charts = explorer.explorer("laptop")
    assert charts is not None
    vectors = pd.read_parquet(paths.tables(f"laptop/{explorer.EXPLORED}") / "items.parquet")
    words = {"mean": "n = 1,000, error averaged", "sum": "n = 1,000, error summed"}
    vectors["model"] = vectors.reduction.map(words)
    shown = decoded(charts.data["vectors"])
    shown = shown[shown.model.isin(words.values())]
    key = [*explorer.KEY, "kind", "item"]
    most = vectors.groupby(key[:-1]).D.transform("size")
    listed = vectors[(most <= explorer.LISTED) | ~vectors.sampled]
    top = listed.groupby(key[:-1]).D.nlargest(explorer.LISTED // 2).groupby(key[:-1]).min()
    ranks = shown[shown["rank"] > 0].groupby(key[:-1])["rank"]
    certain = vectors[~vectors.sampled].groupby(key[:-1]).D.size().clip(upper=explorer.LISTED)
    assert (ranks.max() == certain).all() and (ranks.nunique() == certain).all()  # none of those at random
    assert (shown.groupby(key[:-1]).size() <= explorer.LISTED).all() and len(shown.groupby(key[:-1])) == len(top)
    both = shown.merge(vectors[[*key, "D", "norm", "x", "y"]], on=key, suffixes=("", "_of"))
    assert len(both) == len(shown) and (both.D / both.D_of - 1)[both.D_of > 1e-9].abs().max() < 0.006
    last = both[both["rank"] == explorer.LISTED // 2].set_index(key[:-1]).D_of
    assert len(last) and (last == top[last.index]).all()  # the largest D of each are there
    longest = both.groupby(key[:-1]).norm_of.transform("max")
    assert (both.u * longest - both.x).abs().max() < 0.006 * longest.max()
    lengths = both.groupby(key[:-1])[["u", "v"]].apply(lambda of: (of.u**2 + of.v**2).max())
    assert lengths.between(0.98, 1.02).all()
    losses = decoded(charts.data["losses"])
    drawn = losses[losses.drawn & losses.model.isin(words.values())]
    assert len(drawn) == len(vectors.drop_duplicates(explorer.KEY)) and set(charts.choices["model"]) == set(
        losses.model
    )


def test_the_explorer_has_models_of_the_paper_s_size(results: Path) -> None:
    charts = explorer.explorer("laptop")
    assert charts is not None
    shown, losses = (decoded(charts.data[name]) for name in ("vectors", "losses"))
    shown, losses = (of[of.model == "n = 10,000, error averaged"] for of in (shown, losses))
    assert set(shown["T"]) == set(losses["T"][losses.drawn]) and len(set(shown["T"])) > 4
    sizes = shown.groupby(["T", "kind"]).size()
    points = sizes.xs("point", level="kind")
    assert points.to_dict() == {T: min(T, explorer.LISTED) for T in points.index}
    assert (sizes.xs("feature", level="kind") == explorer.LISTED).all()
    table = pd.read_parquet(paths.tables(f"paper/{explorer.AT_PAPER}") / "items.parquet")
    table = table[table.x.notna() & ~table.fresh & (table.kind == "feature")]
    largest = table.groupby("T").D.max()
    assert shown[shown["rank"] == 1].query("kind == 'feature'").set_index("T").D.to_numpy() == pytest.approx(
        largest.to_numpy(), rel=0.006
    )
    summed = decoded(charts.data["vectors"]).query("model == 'n = 10,000, error summed'")
    table = pd.read_parquet(paths.tables(f"paper/{explorer.EXPLORED}") / "items.parquet").query("reduction == 'sum'")
    assert set(summed["T"]) == set(table["T"]) and set(summed.data_seed) == set(table.data_seed)
    assert explorer.explorer("nonsense") is not None  # the paper's alone


def test_the_map_has_each_size_s_losses_and_vectors_of_one_model(results: Path) -> None:
    charts = sizes.sizes("laptop")
    assert charts is not None and sizes.sizes("nonsense") is None
    tables = paths.tables(f"laptop/{sizes.MAPPED}")
    cells, plane = (pd.read_parquet(tables / f"{name}.parquet") for name in ("cells", "plane"))
    losses = decoded(charts.data["losses"]).set_index(sizes.KEY)
    found = cells.groupby(sizes.KEY).test_loss.mean()
    assert losses.mean_loss.sort_index().to_numpy() == pytest.approx(found.to_numpy(), rel=1e-4)
    assert ((losses.min_loss <= losses.mean_loss) & (losses.mean_loss <= losses.max_loss)).all()
    shown = decoded(charts.data["vectors"])
    assert len(shown) == len(plane) and set(map(tuple, shown[sizes.KEY].to_numpy())) == set(losses.index)
    assert (shown.u**2 + shown.v**2 <= 1.02).all()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs a chromium")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_works_in_a_browser(results: Path, opened: Any, width: int, scheme: str) -> None:
    tab, said, asked = opened(page("laptop"), width, scheme)
    tab.wait_for_function("window.explorer && window.explorer.views.length == 4 && window.sizes && window.film")
    assert tab.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width  # nothing is cut
    overlap = """() => [...document.querySelectorAll('.card')].some((a, i, all) => all.slice(i + 1).some(b => {
        const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
        return p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1;
    })) || [...document.querySelectorAll('.card svg')].some(svg =>
        svg.getBoundingClientRect().right > svg.closest('.card').getBoundingClientRect().right)"""
    assert not tab.evaluate(overlap)

    def marks(part: str) -> list[str]:
        names = ("features", "points") if part == "film" else ("features", "points", "dimensionalities", "losses")
        return [tab.locator(f"#{part}-{name} svg").inner_html() for name in names]

    start = marks("explorer")
    tab.focus("#explorer-T")
    tab.keyboard.press("ArrowRight")  # by keyboard alone
    tab.wait_for_function("window.explorer.state.T == 8")
    tab.wait_for_timeout(300)
    assert tab.inner_text("#explorer-says") == "T = 8"
    assert all(before != after for before, after in zip(start, marks("explorer"), strict=True))
    assert tab.locator("#explorer-points svg .mark-symbol path").count() == 8  # as many marks as points
    for name, value in (
        ("model", "n = 1,000, error summed"),
        ("data_seed", "1"),
        ("model", "n = 10,000, error averaged"),
    ):
        start = marks("explorer")
        tab.select_option(f"#explorer-{name}", value)
        tab.wait_for_timeout(300)
        assert all(before != after for before, after in zip(start, marks("explorer"), strict=True))
    assert tab.evaluate("[window.explorer.state.T, window.explorer.state.data_seed]") == [15, 0]  # what there is of it
    assert tab.locator("#explorer-points svg .mark-symbol path").count() == 15
    tab.locator("#explorer-points svg .mark-symbol path").first.hover()
    tab.wait_for_function("document.querySelector('#vg-tooltip-element.visible')?.innerText.includes('dimensionality')")

    start = marks("sizes")
    tab.locator("#sizes-losses").scroll_into_view_if_needed()
    square = tab.locator("#sizes-losses svg .mark-rect path").first.bounding_box()
    tab.mouse.click(square["x"] + square["width"] / 2, square["y"] + square["height"] / 2)
    tab.wait_for_timeout(300)
    assert all(before != after for before, after in zip(start, marks("sizes"), strict=True))
    T, m = tab.evaluate("[window.sizes.state.T, window.sizes.state.m]")
    assert tab.inner_text("#sizes-says").startswith(f"T = {T}, m = {m}: mean test loss ")
    tab.select_option("#sizes-m", "8")  # and by keyboard
    tab.wait_for_function("window.sizes.state.m == 8")

    tab.select_option("#film-T", "1000")
    tab.wait_for_timeout(300)
    assert tab.evaluate("""() => { const [card, title] = ['#film-losses', '#film-losses .role-axis-title text'].map(
        name => document.querySelector(name).getBoundingClientRect()); return title.left >= card.left; }""")
    tab.evaluate("location.hash = '#geometry-params'")
    tab.wait_for_function(
        "document.getElementById('geometry-params').open"
    )  # a link to it unfolds it, and what holds it
    assert tab.evaluate("document.getElementById('geometry').open")
    claims = tab.locator("#ledger tr.claim")
    shown = "[...document.querySelectorAll('#ledger tr.claim')].filter(row => row.offsetParent !== null)"
    assert tab.evaluate(f"{shown}.length") == claims.count()
    tab.select_option("#ledger-source", "its appendix")
    tab.select_option("#ledger-verdict", "holds")
    assert set(tab.evaluate(f"{shown}.map(row => row.dataset.source + ', ' + row.dataset.verdict)")) == {
        "its appendix, holds"
    }
    tab.fill("#ledger-words", "nothing has these words")
    assert tab.evaluate(f"{shown}.length") == 0 and tab.inner_text("#ledger-says").startswith("0 of ")
    assert tab.evaluate("[...document.querySelectorAll('#ledger tr.group')].every(row => row.offsetParent === null)")
    start = marks("film")
    tab.click("#film-play")
    tab.wait_for_function("window.film.state.frame >= 3")
    tab.click("#film-play")
    tab.wait_for_timeout(300)
    frame = tab.evaluate("window.film.state.frame")
    assert all(before != after for before, after in zip(start, marks("film"), strict=True))
    tab.wait_for_timeout(400)
    assert tab.evaluate("window.film.state.frame") == frame  # it has stopped
    assert said == [] and len(asked) == 1  # the page itself


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Any]:
    """Open a page in a browser of that width and colour scheme: the tab, what it says and what it asks for."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])

        def open_page(html: str, width: int, scheme: Any) -> tuple[Any, list[str], list[str]]:
            (tmp_path / "index.html").write_text(html)
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            said: list[str] = []
            asked: list[str] = []
            tab.on("console", lambda message: said.append(message.text))
            tab.on("pageerror", lambda error: said.append(str(error)))
            tab.on("request", lambda request: request.url.startswith("data:") or asked.append(request.url))
            tab.goto((tmp_path / "index.html").as_uri())
            return tab, said, asked

        yield open_page
        browser.close()
