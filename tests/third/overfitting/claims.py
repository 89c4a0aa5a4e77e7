"""One claim."""

from stages.claims import Finding, claim, intervals


def headline(tables, measure):
    return {"degrees": tables.cells.degree.nunique()}


@claim("D9", "the largest degree overfits", source="folklore", says="it does")
def overfits(tables, measure):
    loss = tables.cells.pivot_table(index="data_seed", columns="degree", values="test_loss")
    return Finding([intervals.mean("test loss above the lowest", loss.iloc[:, -1] - loss.min(axis=1), least=0)])
