"""The spectrum of D*: of a training set, and what validation images would have in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.statistics.leverage import leverage, leverage_if_included, whitening

QUANTILES = {"D_min": 0.0, "D_median": 0.5, "D_p99": 0.99, "D_p999": 0.999, "D_max": 1.0}


class Spectra(NamedTuple):
    """D* of a training set, and what images of another set would have as one more of it."""

    training: NDArray[np.float64]  # (k,)
    validation: NDArray[np.float64]  # (l,) s / (1 + s)
    leverage: NDArray[np.float64]  # (l,) s, of what lies in the training set's span
    rank: int


def spectra(training: NDArray[np.floating], validation: NDArray[np.floating]) -> Spectra:
    """Of (k, m) hidden vectors of the training set and (l, m) of the validation set."""
    white = whitening(training)
    return Spectra(
        leverage(training, white), leverage_if_included(validation, white), leverage(validation, white), white.rank
    )


def spectrum_columns(spectrum: Spectra, far: float, alone: float) -> dict[str, Any]:
    """Quantiles of both, the sum that has to be the rank, and how many images lie apart.

    Args:
        spectrum: of one model. far: times the median D* that are far. alone: D* above which an image has more of some
            direction than all others together, at 0.5.
    """
    D = spectrum.training
    return {
        "rank": spectrum.rank,
        "D_sum": D.sum(),
        "D_far": int((far * np.median(D) < D).sum()),
        "D_alone": int((alone < D).sum()),
        "validation_outside": (spectrum.validation == 1).mean(),
        **{name: np.quantile(D, q) for name, q in QUANTILES.items()},
        **{f"validation_{name}": np.quantile(spectrum.validation, q) for name, q in QUANTILES.items()},
    }
