"""Is the map as a screen shows it: the graph turned into a map, a moment turned into its looks.

How a map is laid out is `layout`'s subject; it is drawn by `widgets.canvas`.
"""

from __future__ import annotations
