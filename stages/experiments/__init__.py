"""One folder an experiment: a question, a grid, numbers, claims and figures.

| module | holds | imports |
|---|---|---|
| `__init__` | the question, AXES (what its grid may sweep), words that the others share | nothing of `stages` |
| `measure` | OWN: its numbers beside those that its family takes of every model | its family, statistics |
| `claims` | `summary(tables, measure)`: the headline and each claim | tables, statistics |
| `figure` | `draw(tables, summary)`: its figures by name | tables, statistics, `style`, its claims |

Claims average over nothing that AXES lacks: `check` refuses a grid that sweeps more. OWN is an `Own` of the family's
room `measures`. Only `measure` sees models, so that a new claim or figure measures nothing again. `README.md` says
what came out.
"""
