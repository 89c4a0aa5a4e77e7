"""Print every claim of a scale as data/metrics/README.md holds them, or how many came out how: see the package."""

import sys

from stages.claims.ledger import ledger, totals

print(ledger(sys.argv[1]) if sys.argv[1:] else totals())
