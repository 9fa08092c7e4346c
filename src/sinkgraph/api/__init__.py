"""What a client of a running graph speaks: models, addresses, and the client itself.

It knows no live node: everything here also works from another process.
"""

from __future__ import annotations
