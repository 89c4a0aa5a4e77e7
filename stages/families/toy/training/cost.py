"""What a toy cell's training takes: the few terms that a step's time is a sum of, and how a step is timed.

A step visits every (point, feature) pair, or few of them (undecided.py); goes over the values that points
hold; and updates the parameters. What a variant of the model adds goes with its pairs.
"""

from __future__ import annotations

from stages.core.cost import Cost, Features, Timing, timed
from stages.families.toy.data.drawing import sample
from stages.families.toy.data.spec import Data, Training
from stages.families.toy.model.pairs import Kind
from stages.families.toy.training import loop
from stages.families.toy.training.orders import boxes_pay, pays

_OPERATIONS = 1e9  # of a step that is timed, at most: larger training sets are cut
_SORTED_OPERATIONS = 2e8  # likewise, where pairs are left out: few enough for so many steps that most are
_MOST = 20_000  # steps that are timed
_DECIDED = 1000  # steps after which most pairs are decided
_AT_ONCE = {2: "up to 2", 5: "up to 5"}  # hidden dimensions whose pairs a processor visits at one rate, see pairs.py
_BYTES_A_VALUE = 8  # that a point holds: feature and value


class _NoCheckpoint:
    """Stands where a checkpoint does, so that training pauses as often as with one."""

    def load(self) -> None:
        """Nothing was saved."""

    def due(self) -> bool:
        """Never."""
        return False

    def save(self, arrays: object) -> None:
        """Nothing is."""


def cost(data: Data, spec: Training) -> Cost:
    """What training that cell takes."""
    T, values = _points(data), _values(data)
    parameters = data.n * (spec.m * (1 if spec.tied else 2) + 1)
    held = T * 8 + values * _BYTES_A_VALUE
    memory = 3 * held + 16 * parameters + 8 * T * spec.m
    disk = held + 4 * parameters * (1 + 2 * spec.snapshots)
    return Cost(features(data, spec), spec.steps, memory, disk)


def features(data: Data, spec: Training) -> Features:
    """What the time of a step goes with."""
    T, values = _points(data), _values(data)
    pairs, parameters = float(T * data.n), float(data.n * (spec.m * (1 if spec.tied else 2) + 1))
    engine = loop.engine_name(spec).split()[0]
    found = {f"{engine}: step": 1.0, f"{engine}: parameters": parameters, f"{engine}: values": values * spec.m}
    if engine != "fused":
        found |= {f"{engine}: pairs": pairs, f"{engine}: products": pairs * spec.m}
    else:
        found[f"{engine}: points"] = float(T)
        masked = bool(data.masked)
        weighted, importance = bool(data.repeated and data.copies > 1), spec.importance != 1
        kind = Kind(spec.m, spec.power, spec.hidden == "relu", spec.tied, importance, weighted, masked)
        relu = " of ReLU(h)" if kind.relu else ""
        ordered = pays(spec.m, T)
        boxed = ordered and boxes_pay(kind, T) and not data.fresh
        if boxed:
            found[f"boxes: pairs{relu}"] = pairs
        else:
            size = next((word for m, word in _AT_ONCE.items() if spec.m <= m), "more")
            found[f"{'sorted ' if ordered else ''}pairs at m {size}"] = pairs * (3 * spec.m + 2)
        found |= {f"pairs at p = {spec.power}": pairs} if kind.power != 2 else {}
        found |= {"pairs with importance": pairs} if importance else {}
        found |= {"pairs with weights": pairs} if weighted and not boxed else {}
        found |= {"values with masks": values} if masked else {}
    return found | ({"values drawn": values} if data.fresh else {})


def timing(data: Data, spec: Training) -> Timing:
    """Time a step of that cell, or of the same cell with fewer points where a step would take too long."""
    engine = loop.engine_name(spec).split()[0]
    ordered = engine == "fused" and pays(spec.m, data.T)
    most = int((_SORTED_OPERATIONS if ordered else _OPERATIONS) / (data.n * (3 * spec.m + 2)))
    if most < data.T:
        data = data.model_copy(update={"T": max(most, data.left_out + 2), "first_of": 0})
    points = sample(data)
    plain = {"snapshots": 0, "init": "xavier_normal", "corners": 0, "parent_T": 0}

    def train(steps: int) -> None:
        loop.train(data, points, spec.model_copy(update=plain | {"steps": steps}), None, _NoCheckpoint())

    own = engine != "torch"  # torch's may be on an accelerator
    after, budget = (_DECIDED, 2.0) if ordered else (1, 0.3)
    return Timing(features(data, spec), timed(train, _MOST, after=after, own=own, budget=budget))


def _points(data: Data) -> int:
    """Points trained on."""
    points: int = round(data.subset * data.T) - data.left_out
    return points


def _values(data: Data) -> float:
    """Values that those hold, about."""
    held = data.support_size if data.points == "disjoint" else max(1.0, data.n * (1 - data.S))
    return _points(data) * held
