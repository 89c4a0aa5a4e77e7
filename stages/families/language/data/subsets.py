"""Which documents of a pool a model is trained on."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.random import generator
from stages.families.language.data.documents import GROUP, Pool
from stages.families.language.data.spec import Data


class Rule(NamedTuple):
    """What a rule leaves out about a target: its closest members, itself the first, and so many fillers."""

    members: int
    fillers: int


_CLOSEST = dict(zip(GROUP, itertools.accumulate(GROUP.values()), strict=True))  # members up to each kind
RULES = {
    "none": Rule(0, 0),
    **{f"up to {kind}": Rule(count, 0) for kind, count in _CLOSEST.items()},
    # as many at random in place of all but the target, and in place of what the last kind adds
    **{f"target, as many as up to {kind}": Rule(1, count - 1) for kind, count in list(_CLOSEST.items())[1:]},
    **{
        f"up to {closer}, as many as {kind}": Rule(_CLOSEST[closer], GROUP[kind])
        for closer, kind in list(itertools.pairwise(GROUP))[1:]
    },
}

Chosen = NDArray[np.bool_]  # (D,)


def choose(data: Data, pool: Pool) -> Chosen:
    """(D,) the documents that are trained on, drawn from `subset_seed`.

    Of families any number of members, each number alike likely, and of rules each group as `rules` says. Of cuts and
    twins a share of the stretches and chapters, whole; of other pools a share of the documents.
    """
    rng = generator(f"documents subset seed={data.subset_seed} of={data.data_seed} {data.pool}")
    count = len(pool.family)
    if data.pool == "families":
        return _members(pool, rng)
    if data.pool == "rules":
        return _by_rules(data, pool, rng)
    if data.subset == 1:
        return np.ones(count, dtype=bool)
    if data.pool == "twins":
        return (rng.random(count) < data.subset)[pool.family]
    of = pool.family if data.pool == "cuts" else np.arange(count)
    whole = int(of.max()) + 1
    return np.isin(of, rng.permutation(whole)[: round(data.subset * whole)])


def rules(data: Data) -> NDArray[np.int64]:
    """(each,) index into RULES of what is left out about each target."""
    rng = generator(f"documents rules seed={data.subset_seed} of={data.data_seed}")
    return rng.integers(0, len(RULES), data.each)


def _members(pool: Pool, rng: np.random.Generator) -> Chosen:
    chosen = np.zeros(len(pool.family), dtype=bool)
    for family in range(int(pool.family.max()) + 1):
        members = rng.permutation(np.flatnonzero(pool.family == family))
        chosen[members[: rng.integers(0, len(members) + 1)]] = True
    return chosen


def _by_rules(data: Data, pool: Pool, rng: np.random.Generator) -> Chosen:
    chosen = np.ones(len(pool.family), dtype=bool)
    fillers, every = np.flatnonzero(pool.kinds == "filler"), list(RULES.values())
    for group, number in enumerate(rules(data).tolist()):
        rule = every[number]
        chosen[np.flatnonzero(pool.family == group)[: rule.members]] = False  # the closest come first
        chosen[rng.permutation(fillers)[: rule.fillers]] = False
    return chosen
