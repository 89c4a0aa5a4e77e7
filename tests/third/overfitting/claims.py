"""One claim."""

from stages.core.claims import Claim, Summary


def summary(tables, measure):
    loss = tables.cells.groupby("degree").test_loss.mean()
    holds = bool(loss.iloc[-1] > loss.min())
    return Summary({"degrees": len(loss)}, [Claim("overfits", "folklore", "it does", dict(loss), None, holds, "mean")])
