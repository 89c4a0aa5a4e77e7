"""Families of models. A family is one folder with four rooms, and no family knows another.

| room | offers |
|---|---|
| data | `spec`: `Data`, `Training`, `Measure`: what a cell is made from and what is measured, see `core/spec.py` |
| | `fetch(folder)`, `read(folder) -> raw`, `sample(data, raw) -> Record`, `restore(record, raw) -> dataset` |
| model | the model itself; nothing outside the family asks for it but its experiments' `measure.py` |
| training | `decides`, `digest`, `made_by`, `work`, `cost`, `timing`, `train`: a cell's key, its cost, its training |
| measures | `measure(trained, measure, own, raw, run) -> Measured`, `curves(cells)`: the tables, columns described |

`stages/families/toy` is the reference: the docstrings of its rooms say what each function takes and gives.
"""
