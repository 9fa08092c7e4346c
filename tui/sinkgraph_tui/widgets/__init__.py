"""Is what screens are put together from: rows, tables, charts and the map, each a Line-API widget.

They show what they are given, and ask nobody.
"""

from __future__ import annotations
