"""A value that is never shown: in no message, log, repr, dump or pickle.

It protects against showing by accident, not against code that asks for it.
"""

from __future__ import annotations

import hmac
from typing import Any, NoReturn

__all__ = ["MASK", "Secret"]

MASK = "***"


class Secret:
    """Is text that only `reveal()` gives out; two are equal when their texts are."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself; never put it into a message."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self._text), _bytes(other._text))

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Secret:
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema

        def read(value: Any) -> Secret:
            return value if isinstance(value, cls) else cls(_secret_text(value))

        dump = core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        return core_schema.no_info_plain_validator_function(read, serialization=dump)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


def _secret_text(value: object) -> str:
    """Return the text a secret is written as; the error never shows the value."""
    from pydantic_core import PydanticCustomError

    from sinkgraph.spec.leaves import written

    text = written(value)
    if not text:
        about = {"message": "a secret is text, not empty", "help": "write `${env:NAME}`"}
        raise PydanticCustomError("SG122", "{message}", about)
    return text


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
