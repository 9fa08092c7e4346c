"""Records in a dict: what a test uses in place of a state dir."""

from __future__ import annotations


class DictRecords:
    """Keeps what is put; `killed` gives what a new process finds, as of the last `commit`."""

    durable = True

    def __init__(self, kept: dict[tuple[str, str], bytes] | None = None) -> None:
        self.kept = dict(kept or {})
        self.pending: dict[tuple[str, str], bytes] = {}
        self.puts = 0

    def get(self, kind: str, name: str) -> bytes | None:
        """Return what was put last."""
        return self.pending.get((kind, name), self.kept.get((kind, name)))

    def put(self, kind: str, name: str, value: bytes) -> None:
        """Keep it, until a kill only in memory."""
        assert type(value) is bytes
        self.puts += 1
        self.pending[kind, name] = value

    def commit(self) -> None:
        """Write what was put."""
        self.kept |= self.pending
        self.pending.clear()

    def killed(self) -> DictRecords:
        """Return what is there after a kill: what was committed."""
        return DictRecords(self.kept)

    def stopped(self) -> DictRecords:
        """Return what is there after an orderly end."""
        self.commit()
        return self.killed()
