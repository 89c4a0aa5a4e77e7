"""Which score of one model best tells what counterfactual memorisation, of many models, says is memorised."""

from __future__ import annotations

import pandas as pd

from stages.claims import Claim, Summary
from stages.mnist.measures import MEMORIZED, SCORES

RELIABLE = 0.8


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Models of the whole pool that were compared with its memorisation."""
    of: pd.DataFrame = table[table.rho_D_after.notna()]
    return of


def means(table: pd.DataFrame, what: str) -> pd.Series:
    """Mean over models of `what` (rho, memorized_area, wrong_area or wrong_precision) by score, best first."""
    of = {name: compared(table)[f"{what}_{name}"].mean() for name in SCORES}
    return pd.Series(of, dtype=float).sort_values(ascending=False)


def summary(cells: pd.DataFrame, history: pd.DataFrame, images: pd.DataFrame) -> Summary:
    """Reliability, who finds memorised images, who finds wrong labels, and whether single units do it."""
    runs = compared(cells)
    headline: dict[str, float | int] = {}
    if len(runs):
        headline["reliability"] = float(runs.reliability_log.iloc[0])
        headline["rho_D"] = float(runs.rho_D_after.mean())
    claims = [
        _reliable(runs),
        _finds(runs),
        _best(runs, "right_memorized_area", "finds memorised images with a right label"),
        _best(runs, "memorized_area", "finds memorised images of either kind"),
        _best(runs, "rho", "orders all images by memorisation"),
        _best_on_the_way(history),
        _best(runs, "wrong_area", "finds wrong labels"),
    ]
    if len(pool := images[images.memorization_even.notna() & images.memorization_odd.notna()]):
        claims.append(_top(pool))
    return Summary(headline, claims)


def _range(runs: pd.DataFrame, column: str) -> list[float]:
    return [float(runs[column].min()), float(runs[column].max())]


def _reliable(runs: pd.DataFrame) -> Claim:
    known = bool(len(runs))
    return Claim(
        "two halves of the models agree on what is memorised",
        "this project's aim; Zhang et al. 2021",
        f"{RELIABLE} or more",
        {"by log-probability": float(runs.reliability_log.iloc[0]), "models": int(runs.models.iloc[0])}
        if known
        else None,
        {"by correctness": float(runs.reliability_correct.iloc[0])} if known else None,
        bool(runs.reliability_log.iloc[0] >= RELIABLE) if known else None,
        "rank correlation over the pool of the memorisation by even and by odd models",
    )


def _finds(runs: pd.DataFrame) -> Claim:
    known = bool(len(runs))
    return Claim(
        "a high D* means memorised",
        "Hobbhahn's comment",
        "high is memorised, low is confused; not tested",
        {
            "rank correlation": float(runs.rho_D_after.mean()),
            f"ROC area for the {100 * MEMORIZED:g} % most memorised": float(runs.memorized_area_D_after.mean()),
        }
        if known
        else None,
        {"rank correlation": _range(runs, "rho_D_after"), "ROC area": _range(runs, "memorized_area_D_after")},
        bool(runs.rho_D_after.mean() >= 0.5) if known else None,
        "D* of the hidden vectors of models of the whole pool, at the end of training; holds if the rank correlation "
        "is at least .5",
    )


def _best(runs: pd.DataFrame, what: str, does: str) -> Claim:
    mean = means(runs, what)
    known = bool(len(runs)) and bool(mean.notna().all())
    meaning = {
        "rho": "rank correlation with memorisation",
        "wrong_area": "ROC area for the wrong labels",
        "memorized_area": f"ROC area for the {100 * MEMORIZED:g} % most memorised, most of which have a wrong label",
        "right_memorized_area": f"ROC area for the {100 * MEMORIZED:g} % most memorised of those with the right label",
    }[what]
    return Claim(
        f"D* {does} better than other scores of the same model",
        "this project's question",
        "not tested",
        {SCORES[str(name)]: float(value) for name, value in mean.items()} if known else None,
        {SCORES[name]: _range(runs, f"{what}_{name}") for name in mean.index},
        bool(mean.index[0] in ("D_after", "D_before")) if known else None,
        f"{meaning}, at the end of training, mean and range over initialisations, highest first; larger scores mean "
        "odder. Loss, margin, gradient and Mahalanobis distance know the label, D* does not; the last is a leverage "
        "too, within the label's class. Holds if D*, before or after the ReLU, comes first",
    )


def _best_on_the_way(history: pd.DataFrame) -> Claim:
    of = compared(history)
    best = {epoch: means(of[of.epoch == epoch], "rho") for epoch in sorted(of.epoch.unique().tolist())}
    return Claim(
        "D* is the best score at every time in training",
        "this project's question",
        "not tested",
        {f"epoch={epoch}": f"{SCORES[str(rho.index[0])]} {rho.iloc[0]:.2f}" for epoch, rho in best.items()}
        if best
        else None,
        {f"D* at epoch={epoch}": float(rho[["D_after", "D_before"]].max()) for epoch, rho in best.items()},
        all(rho.index[0] in ("D_after", "D_before") for rho in best.values()) if best else None,
        "the best score at each time, of the model at that time against memorisation at that time; spread: D*'s own",
    )


def _top(pool: pd.DataFrame) -> Claim:
    count = max(1, round(MEMORIZED * len(pool)))
    by_half = pool.nlargest(count, "memorization_even").memorization_odd
    highest = pool.nlargest(count, "D_after")
    others = pool.drop(highest.index).memorization_log
    difference = highest.memorization_log.mean() - others.mean()
    error = float((highest.memorization_log.var() / count + others.var() / max(1, len(others))) ** 0.5)
    return Claim(
        f"the {100 * MEMORIZED:g} % of highest D* are memorised more than the others",
        "this project's question",
        "not tested",
        {
            "memorisation of these": float(highest.memorization_log.mean()),
            "of the others": float(others.mean()),
            "of the most memorised": float(by_half.mean()),
        },
        {
            "standard error of the difference": error,
            "wrong labels among them": float((highest.label != highest.true_label).mean()),
        },
        bool(difference > 4 * error),
        "mean gain in log-probability of the label from having been trained on, D* of the first initialisation; the "
        "most memorised are chosen by half of the models and judged by the other. Holds if the difference is above "
        "four standard errors",
    )
