"""Print every claim of a scale, as data/metrics/README.md has them; how many came out how; `more`: see the package."""

import sys

from stages.claims.ledger import held_out, ledger, more, totals

asked = sys.argv[1] if sys.argv[1:] else ""
found = {"": totals, "more": more, "held_out": held_out}.get(asked)
print(found() if found else ledger(asked))
