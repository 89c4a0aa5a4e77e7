"""One folder an experiment.

The package has AXES, what its grid may sweep: claims and figures average over nothing that they do not know of.
`measure.py` has `summary(cells, measure)`, the headline and claims of its table, and may have COLUMNS and
`cell(W, b, points, measure)`, columns of its own. `figure.py` has `draw(cells, vectors, summary)`, its figures by name.
"""
