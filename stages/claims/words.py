"""Numbers, and the parts of a finding as JSON has them, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def part_in_words(part: Mapping[str, Any]) -> str:
    """What was measured, its interval, and the range that the claim needs."""
    low, high, least, most = (part[name] for name in ("low", "high", "least", "most"))
    sets = f"{part['sets']} training set{'s' * (part['sets'] > 1)}"
    interval = f"{_number(low)} to {_number(high)}" if None not in (low, high) else f"of {sets}, no interval"
    needs = [f"{word} {_number(bound)}" for word, bound in (("above", least), ("below", most)) if bound is not None]
    return f"{part['what']}: {_number(part['effect'])} ({interval}{'; needs ' if needs else ''}{', '.join(needs)})"


def _number(value: float) -> str:
    return f"{value:.4g}" if 0.98 < value < 1.02 else f"{value:.3g}"  # losses are near 1


def words(value: Any) -> str:
    """A JSON value as a reader would write it, numbers to three digits."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {words(v)}" if "=" not in key else f"{words(v)} at {key}" for key, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(words, value))
    return _number(value) if isinstance(value, float) else str(value)
