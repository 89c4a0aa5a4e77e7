"""A document's loss by what else is trained on: members of its family, what a rule leaves out, its twin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.families.language.data.subsets import RULES
from stages.families.language.measures.ensembles import Ensemble

GROUPS = 8  # of families

Row = dict[str, Any]
Found = Iterator[tuple[int, Row]]  # (document, columns of CONDITIONS)


def condition_rows(pool: str, ensemble: Ensemble) -> Found:
    """Of the pool of that name: families, rules or twins."""
    losses = ensemble.loss.mean(axis=2)
    yield from {"families": _families, "rules": _rules, "twins": _twins}[pool](ensemble, losses)


def influence_rows(ensemble: Ensemble) -> Iterator[Row]:
    """Columns of INFLUENCE, by groups of families.

    `slope`: of a member's loss by whether another is trained on, least squares over models and the group's families,
    each about its own mean. `alone`: what a member loses where of all members that other alone is left out.
    """
    losses, family = ensemble.loss.mean(axis=2).astype(np.float64), ensemble.pool.family
    members = np.stack([np.flatnonzero(family == k) for k in range(int(family.max()) + 1)])  # (families, members)
    for group in range(min(GROUPS, len(members))):
        of = members[group::GROUPS]
        loss, held = losses[:, of], ensemble.chosen[:, of]  # (K, families, members)
        slope, alone = slopes(loss, held), left_out_alone(loss, held)
        for (i, j), value in np.ndenumerate(slope):
            about = {"member": i, "by": j, "group": group, "families": len(of)}
            yield about | {"slope": float(value), "alone": float(alone[i, j]) if np.isfinite(alone[i, j]) else None}


def slopes(loss: NDArray[np.float64], held: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(members, members) nats that a member's loss falls with another, of (K, families, members)."""
    x, y = (of - of.mean(axis=0) for of in (held.astype(np.float64), loss))
    found, *_ = np.linalg.lstsq(x.reshape(-1, x.shape[2]), y.reshape(-1, x.shape[2]), rcond=None)
    negative: NDArray[np.float64] = -found.T
    return negative


def left_out_alone(loss: NDArray[np.float64], held: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(members, members) loss where only that other is left out less loss where none is; NaN where no family has both.

    A mean over families, each weighted by its models in the rarer of both conditions.
    """
    members = loss.shape[2]
    missing = members - held.sum(axis=2)  # (K, families)
    total, weight = np.zeros((members, members)), np.zeros((1, members))
    for family in range(loss.shape[1]):
        none = missing[:, family] == 0
        for j in range(members):
            only = (missing[:, family] == 1) & ~held[:, family, j]
            if w := float(min(none.sum(), only.sum())):
                total[:, j] += w * (loss[only, family].mean(axis=0) - loss[none, family].mean(axis=0))
                weight[0, j] += w
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)


def _families(ensemble: Ensemble, losses: NDArray[np.float32]) -> Found:
    """Of each family, its first member: members of exact copies are alike, and near-copies are so to the first."""
    for family in range(int(ensemble.pool.family.max()) + 1):
        members = np.flatnonzero(ensemble.pool.family == family)
        first, chosen = members[0], ensemble.chosen[:, members]
        others = chosen[:, 1:].sum(axis=1)
        yield from _means(int(first), losses[:, first], chosen[:, 0], others)


def _twins(ensemble: Ensemble, losses: NDArray[np.float32]) -> Found:
    """Of each passage of two chapters, whether its chapter is trained on, and whether the other is."""
    family = ensemble.pool.family
    has = [ensemble.chosen[:, np.argmax(family == chapter)] for chapter in (0, 1)]
    for document in np.flatnonzero(family < 2).tolist():
        own = int(family[document])
        yield from _means(document, losses[:, document], has[own], has[1 - own].astype(np.int64))


def _rules(ensemble: Ensemble, losses: NDArray[np.float32]) -> Found:
    """Of each target, what was left out with it."""
    for document in np.flatnonzero(ensemble.pool.kinds == "target").tolist():
        applied = ensemble.rules[:, ensemble.pool.family[document]] if ensemble.rules is not None else np.array([])
        for rule, name in enumerate(RULES):
            models = applied == rule
            if models.any():
                loss = float(losses[models, document].mean())
                yield document, {"own": rule == 0, "rule": name, "models": int(models.sum()), "loss": loss}


def _means(document: int, losses: NDArray[np.float32], own: NDArray[np.bool_], others: NDArray[np.int64]) -> Found:
    for held in (False, True):
        for count in range(int(others.max(initial=0)) + 1):
            models = (own == held) & (others == count)
            if models.any():
                loss = float(losses[models].mean())
                yield document, {"own": held, "others": count, "models": int(models.sum()), "loss": loss}
