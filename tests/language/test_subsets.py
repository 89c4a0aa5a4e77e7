"""data/subsets.py and data/__init__.py: which documents are trained on, and training sets kept and read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.core.bundle import Record, read, write
from stages.families.language.data import Raw, restore, sample, whole
from stages.families.language.data import read as read_raw
from stages.families.language.data.documents import GROUP, Pool
from stages.families.language.data.sources import TextsError
from stages.families.language.data.spec import Data
from stages.families.language.data.subsets import RULES, Chosen, choose, rules
from tests.language.made_up import POOLS, files, made_up, make_texts

RAW = made_up()
SHARES = ("kinds", "copies", "spans", "base", "cuts", "twins")  # pools that `subset` is of
LEFT_OUT = {  # kinds about a target by the rule's name, and how many fillers
    "none": ((), 0),
    "up to target": (("target",), 0),
    "up to copy": (("target", "copy"), 0),
    "up to edited": (("target", "copy", "edited"), 0),
    "up to span": (("target", "copy", "edited", "span"), 0),
    "up to chapter": (("target", "copy", "edited", "span", "chapter"), 0),
    "up to book": (("target", "copy", "edited", "span", "chapter", "book"), 0),
    "target, as many as up to copy": (("target",), 2),
    "target, as many as up to edited": (("target",), 6),
    "target, as many as up to span": (("target",), 10),
    "target, as many as up to chapter": (("target",), 16),
    "target, as many as up to book": (("target",), 24),
    "up to copy, as many as edited": (("target", "copy"), 4),
    "up to edited, as many as span": (("target", "copy", "edited"), 4),
    "up to span, as many as chapter": (("target", "copy", "edited", "span"), 6),
    "up to chapter, as many as book": (("target", "copy", "edited", "span", "chapter"), 8),
}

Specs = Callable[..., Data]


def drawn(data: Specs, name: str, **changes: Any) -> tuple[Data, Pool, Chosen]:
    spec = data(**{"pool": name, "subset": 1.0} | POOLS[name] | changes)
    found = RAW.pool(spec)
    chosen = choose(spec, found)
    assert chosen.shape == (len(found.tokens),) and chosen.dtype == bool
    return spec, found, chosen


@pytest.mark.parametrize(("name", "count"), [("kinds", 32), ("copies", 16), ("spans", 8), ("base", 80)])
@pytest.mark.parametrize("subset", [0.25, 0.5, 0.7, 1.0])
def test_a_subset_has_its_share_of_the_documents(data: Specs, name: str, count: int, subset: float) -> None:
    for seed in range(5):
        assert drawn(data, name, subset=subset, subset_seed=seed)[2].sum() == round(subset * count)


def test_each_document_is_in_about_half_of_the_halves(data: Specs) -> None:
    chosen = np.array([drawn(data, "kinds", subset=0.5, subset_seed=seed)[2] for seed in range(200)])
    assert (abs(chosen.mean(axis=0) - 0.5) < 0.16).all()  # 4.5 standard deviations
    together = np.corrcoef(chosen.T) - np.eye(32)
    assert abs(together).max() < 0.35  # -1 / 31 is what halves of 32 have


@pytest.mark.parametrize("name", POOLS)
def test_one_spec_gives_one_choice_and_other_seeds_others(data: Specs, name: str) -> None:
    changes = {"subset": 0.5} if name in SHARES else {}

    def choice(**seeds: int) -> bytes:
        return drawn(data, name, **changes | seeds)[2].tobytes()

    assert choice() == choice(subset_seed=0, data_seed=0)
    assert len({choice(subset_seed=seed) for seed in range(30)}) > 4
    assert len({choice(data_seed=seed) for seed in range(30)}) > 4


@pytest.mark.parametrize("name", SHARES)
def test_the_whole_pool_is_trained_on_where_nothing_is_left_out(data: Specs, name: str) -> None:
    assert all(drawn(data, name, subset=1.0, subset_seed=seed)[2].all() for seed in range(4))


def test_every_number_of_a_family_s_members_is_as_likely(data: Specs) -> None:
    counts: Counter[int] = Counter()
    first: Counter[int] = Counter()
    for seed in range(150):
        _, found, chosen = drawn(data, "families", subset_seed=seed)
        for family in range(4):
            own = chosen[found.family == family]
            counts[int(own.sum())] += 1
            first[int(own.sum())] += bool(own[0])
    assert set(counts) == set(range(6)) and all(70 < count < 130 for count in counts.values())  # 100 +- 9 expected
    assert first[0] == 0 and first[5] == counts[5]
    assert all(abs(first[k] / counts[k] - k / 5) < 0.2 for k in range(6))  # any of them, not the first


def test_rules_leave_out_what_they_say(data: Specs) -> None:
    assert list(RULES) == list(LEFT_OUT)
    met: Counter[str] = Counter()
    for seed in range(150):
        spec, found, chosen = drawn(data, "rules", subset_seed=seed)
        names = [list(RULES)[rule] for rule in rules(spec)]
        assert len(names) == 3
        for group, name in enumerate(names):
            own = found.family == group
            assert Counter(found.kinds[own & ~chosen].tolist()) == Counter(
                kind for kind in found.kinds[own].tolist() if kind in LEFT_OUT[name][0]
            )
        fillers = [LEFT_OUT[name][1] for name in names]
        left_out = (~chosen & (found.kinds == "filler")).sum()
        assert max(fillers) <= left_out <= min(sum(fillers), 30)
        met.update(names)
    assert set(met) == set(RULES) and max(met.values()) < 4 * min(met.values())


def test_controls_leave_out_as_many_fillers_and_not_the_same_each_time(data: Specs) -> None:
    chosen_by_rule: dict[str, set[bytes]] = {}
    for seed in range(80):
        spec, found, chosen = drawn(data, "rules", each=1, subset_seed=seed)
        name = list(RULES)[int(rules(spec)[0])]
        kinds, fillers = LEFT_OUT[name]
        left_out = Counter(found.kinds[~chosen].tolist())
        assert left_out["filler"] == fillers and set(left_out) - {"filler"} == set(kinds)
        if fillers:
            assert left_out["target"] == 1 and left_out.total() == sum(GROUP[kind] for kind in kinds) + fillers
            chosen_by_rule.setdefault(name, set()).add(chosen.tobytes())
    assert len(chosen_by_rule) == 9 and len(chosen_by_rule["target, as many as up to copy"]) > 1


@pytest.mark.parametrize("name", ["cuts", "twins"])
def test_stretches_and_chapters_are_in_or_out_as_a_whole(data: Specs, name: str) -> None:
    both = set()
    for seed in range(40):
        _, found, chosen = drawn(data, name, subset=0.5, subset_seed=seed)
        inside = [chosen[found.family == family] for family in range(int(found.family.max()) + 1)]
        assert all(own.all() or not own.any() for own in inside)
        both.add((bool(inside[0][0]), bool(inside[1][0])))
        if name == "cuts":
            assert sum(own.all() for own in inside) == 2
    assert both == {(False, False), (False, True), (True, False), (True, True)}


def test_all_subsets_of_a_pool_share_its_documents(data: Specs) -> None:
    pools = [drawn(data, "kinds", subset=0.5, subset_seed=seed)[1] for seed in range(4)]
    assert all(found is pools[0] for found in pools)
    assert drawn(data, "kinds", data_seed=1)[1] is not pools[0]
    spec = data(**{"pool": "kinds", "subset": 0.5, "subset_seed": 7, "data_seed": 3})
    assert whole(spec) == spec.model_copy(update={"subset": 1.0, "subset_seed": 0})


@pytest.mark.parametrize("name", POOLS)
def test_a_training_set_is_kept_and_read_again(data: Specs, name: str, tmp_path: Path) -> None:
    spec, found, chosen = drawn(data, name, subset=0.5, subset_seed=3)
    record = sample(spec, RAW)
    assert list(record.arrays) == ["chosen"]
    write(tmp_path / "sets.safetensors", [record])
    make_texts(tmp_path / "raw")
    raw = read_raw(tmp_path / "raw")
    again = restore(read(tmp_path / "sets.safetensors")[0], raw)
    np.testing.assert_array_equal(again.chosen, chosen)
    for column in Pool._fields:
        np.testing.assert_array_equal(getattr(again.pool, column), getattr(found, column), strict=True)
    assert again.tokenizer == RAW.texts.digest and again.pool is raw.pool(spec)


def test_a_training_set_of_other_texts_is_refused(data: Specs) -> None:
    record = sample(data(pool="kinds"), RAW)
    other = Raw(files() | {"declaration.txt": files()["declaration.txt"] + b"\n"})
    with pytest.raises(
        TextsError, match=r"^the training sets are not of the texts in data/raw/language; generate them"
    ):
        restore(record, other)
    assert restore(Record(record.about | {"raw": other.digest}, record.arrays), other).tokenizer == other.texts.digest
