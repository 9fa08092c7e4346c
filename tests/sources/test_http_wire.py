"""A connection and a transport that says when it is full: what is answered, and until when."""

from __future__ import annotations

import asyncio
from typing import Any

from sinkgraph.sources.http_wire import PIECE_BYTES, Answer, Connection, Head, Timing

REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n1"


class Desk:
    """Takes every request at once, at a time the test sets."""

    timing = Timing()

    def __init__(self) -> None:
        self.time = 100.0
        self.taken = 0

    def now(self) -> float:
        return self.time

    def enter(self, connection: Connection) -> bool:
        return True

    def leave(self, connection: Connection) -> None:
        """Do nothing."""

    def judge(self, head: Head) -> Answer | int:
        return 1000

    def take(self, head: Head, body: bytes) -> Answer:
        self.taken += 1
        return Answer(202, {})


class Pipe(asyncio.Transport):
    """Is full after `room` answers until it is emptied."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.answers = 0
        self.aborted = False
        self.reading = True
        self.connection: Any = None

    def write(self, data: Any) -> None:
        self.answers += 1
        if self.answers == self.room:
            self.connection.pause_writing()

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def connected(room: int = 1_000_000) -> tuple[Desk, Pipe, Connection]:
    desk, pipe = Desk(), Pipe(room)
    pipe.connection = connection = Connection(desk)
    connection.connection_made(pipe)
    return desk, pipe, connection


def test_a_client_that_reads_no_answers_is_asked_for_no_more_work() -> None:
    desk, pipe, connection = connected(room=3)
    for _ in range(100):
        connection.data_received(REQUEST * 100)
        if not pipe.reading:
            break
    assert desk.taken == pipe.answers == 3
    assert not pipe.reading
    assert connection.deadline <= desk.time + desk.timing.request_s
    connection.expire()
    assert pipe.aborted


def test_a_client_that_reads_again_gets_the_rest_in_order() -> None:
    desk, pipe, connection = connected(room=3)
    connection.data_received(REQUEST * 10 + REQUEST[:20])
    assert pipe.answers == 3
    connection.resume_writing()
    assert desk.taken == pipe.answers == 10
    desk.time += 1
    connection.data_received(REQUEST[20:])
    assert pipe.answers == 11
    assert connection.deadline == desk.time + desk.timing.idle_s


def test_a_long_pipeline_is_cut_where_the_client_stops_reading() -> None:
    desk, pipe, connection = connected(room=1)
    count = 4 * PIECE_BYTES // len(REQUEST)
    connection.data_received(REQUEST * count)
    assert desk.taken == 1
    connection.resume_writing()
    assert desk.taken == pipe.answers == count


def test_blank_lines_buy_no_time() -> None:
    desk, _, connection = connected()
    for due in (desk.time + desk.timing.header_s, desk.time + desk.timing.idle_s):
        for _ in range(10):
            desk.time += 0.1
            connection.data_received(b"\r\n")
        assert connection.deadline == due
        desk.time = 100.0
        connection.data_received(REQUEST)
