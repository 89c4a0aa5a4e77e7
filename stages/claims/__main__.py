"""Print every claim of a scale, as data/metrics/README.md has them; how many came out how; `more`: see the package."""

import functools
import sys
from pathlib import Path

from stages.claims.ledger import held_out, ledger, more, totals

scales = sorted(path.name for path in Path("data/metrics").glob("*/"))
tables = {scale: functools.partial(ledger, scale) for scale in scales} | {"held_out": held_out, "more": more}
asked = sys.argv[1] if sys.argv[1:] else ""
if asked and asked not in tables:
    sys.exit(f"error: {asked}: there are no claims of that name; there are {', '.join(tables)}")
print(tables.get(asked, totals)())
