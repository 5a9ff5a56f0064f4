"""Grading: the judge, the sandbox it asks, and what becomes of scores."""

import sys

# jsonschema would build a grammar of international web addresses in every process that reads a
# notebook, for a second. A module that is None cannot be imported, and jsonschema does without it:
# no notebook's schema has such an address.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
