"""Loss against degree."""

from matplotlib.figure import Figure


def draw(tables, summary):
    figure = Figure()
    figure.subplots().plot(tables.cells.degree, tables.cells.test_loss, "o")
    return {"losses": figure}
