"""One folder an experiment.

`measure.py` has `summary(cells, measure)`, the headline and claims of its table, and may have COLUMNS and
`cell(W, b, points, measure)`, columns of its own. `figure.py` has `draw(cells, vectors, summary)`, its figures by name.
"""
