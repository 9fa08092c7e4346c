"""A URL as it may be shown: without userinfo, query values and fragment.

It judges nothing: whether a URL may be used is said elsewhere.
"""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["origin", "shown_url"]


def shown_url(url: str) -> str:
    """Return scheme, host, port and path; `?…` stands for a query. Never raises."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "a malformed URL"
    query = "?…" if parts.query else ""
    shown = f"{parts.scheme}://{host}{parts.path}{query}"
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in shown)


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port: what breakers, pools and secrets belong to."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port
