"""Is the parts that more than one screen shows, as pure functions from a view to rows of ink.

No widget and no screen is known here.
"""

from __future__ import annotations
