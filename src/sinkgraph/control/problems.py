"""Refusals of the control plane, each of which becomes one answer (RFC 9457, problem details).

It writes to no connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

__all__ = ["Refusal", "problem_response"]

PROBLEM_JSON = "application/problem+json"
_TITLES = {
    "bad_host": "the Host header is not one this program answers to",
    "bad_origin": "requests of web pages are refused",
    "bad_request": "the request cannot be read",
    "busy": "too many do this at once",
    "failed": "an error in sinkgraph",
    "forbidden": "this is not allowed to you",
    "invalid": "the request is not valid",
    "no_room": "there is no room for it now",
    "not_acceptable": "the request has to be JSON",
    "not_allowed": "the method is not known here",
    "not_available": "this run cannot do that",
    "not_found": "there is no such thing",
    "precondition": "it has changed since you looked",
    "refused": "it was not taken",
    "superseded": "another document was asked for after it",
    "too_large": "the request is too large",
    "unauthorized": "a token is needed",
    "wrong_node": "this node cannot do that",
    "wrong_state": "it is not in a state for that",
}


class Refusal(Exception):
    """Say why a request is refused: `kind` is one of a few words, `detail` a sentence."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: Sequence[str] = (),
        nearest: str | None = None,
        headers: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = list(errors)
        self.nearest = nearest
        self.headers = headers or {}
        self.more = more or {}

    def as_dict(self) -> dict[str, Any]:
        """Return it as `Problem` has it."""
        return {
            "type": f"urn:sinkgraph:problem:{self.kind}",
            "title": _TITLES[self.kind],
            "status": self.status,
            "detail": self.detail,
            "errors": self.errors,
            "nearest": self.nearest,
            **self.more,
        }


def problem_response(refusal: Refusal) -> Response:
    """Return the answer that says a refusal."""
    body = msgspec.json.encode(refusal.as_dict())
    return Response(body, refusal.status, refusal.headers, media_type=PROBLEM_JSON)
