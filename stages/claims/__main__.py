"""Print every claim of a scale, as data/metrics/README.md has them; how many came out how; `more`: see the package."""

import sys

from stages.claims.ledger import ledger, more, totals

asked = sys.argv[1] if sys.argv[1:] else ""
print(more() if asked == "more" else ledger(asked) if asked else totals())
