"""One folder an experiment.

The package has AXES, what its grid may sweep: claims and figures average over nothing that they do not know of.
`measure.py` has `summary(cells, measure)`, the headline and claims of its table, and may have COLUMNS and
`cell(model, points, measure)`, columns of its own; `across(cells, points, models, measure)`, which gives each cell more
of them from what it has of others; and ITEMS, those of `across` that are columns of the table of vectors, one value a
training point. `figure.py` has `draw(cells, vectors, summary)`, its figures by name.
"""
