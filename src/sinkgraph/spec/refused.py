"""The error of a reader of field text: what is wrong with the text, and what to write.

It carries no text itself, so that it can never show a secret.
"""

from __future__ import annotations

__all__ = ["Refused"]


class Refused(ValueError):
    """Say why a text is refused.

    `code` is the diagnostic code; `message` is a predicate that follows the text ("has no
    unit"); `help` says what to write.
    """

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
