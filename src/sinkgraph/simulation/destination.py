"""A simulated HTTP endpoint: what it answers by script, by outage and by judgement; what it got.

It knows virtual time only. Finding it by URL, and being the engine's network, is `network`.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import unquote

from sinkgraph.clock import Random, Request, Response
from sinkgraph.errors import DeliveryFailed
from sinkgraph.formats.url import shown_url

__all__ = ["Answer", "Answering", "Destination", "Exchange", "Latency"]

How = Literal["answer", "hang", "refuse", "unreachable", "reset before", "reset", "reset after"]
Latency = float | tuple[float, float] | Callable[[Random], float]
"""Is seconds, or bounds to draw them from, or a function that draws them."""

_REPEAT = re.compile(r"\s*[x×]\s*(\d+)$")
_STATUS = re.compile(
    r"(?P<status>[1-5]\d\d)(?:\s+retry-after\s+(?P<wait>.+?))?(?:\s+in\s+(?P<in>[\d.]+)\s*s)?",
    re.IGNORECASE,
)
_WORDS: dict[str, How] = {
    "hang": "hang",
    "refuse": "refuse",
    "unreachable": "unreachable",
    "reset before": "reset before",
    "reset": "reset",
    "reset after": "reset after",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Is what an endpoint does with one request.

    `how`: `answer` it; `hang` for ever; `refuse` the connection; be `unreachable` (no connection
    within the timeout); `reset before` anything was sent; `reset` while it is read, which takes
    nothing; `reset after` the status was decided: what a 2xx took is taken, and nobody is told.
    `in_s`: how long the answer takes, instead of the destination's latency.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    how: How = "answer"
    in_s: float | None = None

    @property
    def takes(self) -> bool:
        """Whether the endpoint keeps what it was sent."""
        return self.how in ("answer", "reset after") and 200 <= self.status <= 299

    @property
    def sees(self) -> bool:
        """Whether the endpoint sees any of the request."""
        return self.how in ("answer", "hang", "reset", "reset after")

    def __str__(self) -> str:
        return str(self.status) if self.how == "answer" else self.how


Answering = Answer | int | str


def read(answer: Answering) -> list[Answer]:
    """Return the answers a script's entry means: `503`, `"503 x5"`, `"429 Retry-After 7"`.

    Words are those of `Answer.how`; `"200 in 3s"` takes three seconds. Raises ValueError.
    """
    if isinstance(answer, Answer):
        return [answer]
    if isinstance(answer, int):
        return [Answer(_status(answer))]
    text = answer.strip()
    times = 1
    if (repeated := _REPEAT.search(text)) is not None:
        times = int(repeated.group(1))
        text = text[: repeated.start()].strip()
    if text.lower() in _WORDS:
        return [Answer(how=_WORDS[text.lower()])] * times
    found = _STATUS.fullmatch(text)
    if found is None:
        words = ", ".join(_WORDS)
        raise ValueError(f"{answer!r} is no answer: give a status, or one of {words}")
    headers = {"retry-after": found["wait"]} if found["wait"] else {}
    took = float(found["in"]) if found["in"] else None
    return [Answer(int(found["status"]), headers, in_s=took)] * times


def _status(number: int) -> int:
    if not 100 <= number <= 599:
        raise ValueError(f"{number} is no HTTP status")
    return number


@dataclass(slots=True)
class Exchange:
    """Is one request and what was done with it; `at` in virtual seconds.

    `taken`: the endpoint keeps these events, whether or not the sender was told. `told_at`: when
    the answer reached the sender, None as long as it has not.
    """

    at: float
    request: Request
    answer: Answer
    told_at: float | None = None

    @property
    def taken(self) -> bool:
        """Whether the endpoint took the events."""
        return self.answer.takes

    @property
    def payloads(self) -> list[Any]:
        """The payloads in the body: one JSON value, lines of NDJSON, or a registry envelope."""
        return [payload for _, payload in _events(self.request)]

    @property
    def ids(self) -> list[str]:
        """The ids of its events: from `ce-id`, else from `id` in each payload."""
        return [one for one, _ in _events(self.request) if one is not None]


class Destination:
    """Is one endpoint. `where` is its origin (`http://hooks:9000`) or one whole URL.

    It follows its script, one answer a request, and then answers `then` for ever. An outage beats
    the script and leaves it as it is; `judge` beats both: it sees a request and returns an answer,
    or None.
    """

    def __init__(self, where: str, random: Random, *, latency: Latency = 0.01) -> None:
        self.where = where
        self.latency = latency
        self.then: Answer = Answer()
        self.judge: Callable[[Request], Answering | None] | None = None
        self.exchanges: list[Exchange] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._random = random
        self._script: list[Answer] = []
        self._outages: list[tuple[float, float, Answer]] = []

    # what it will do

    def script(self, *answers: Answering, then: Answering | None = None) -> Destination:
        """Add answers to the end of the script: `script("503 x5", "hang", 200)`."""
        for answer in answers:
            self._script += read(answer)
        if then is not None:
            (self.then,) = read(then)
        return self

    def down(self, at: float, for_s: float = math.inf, how: Answering = "refuse") -> Destination:
        """Be down from virtual second `at` for `for_s` seconds: `refuse`, `hang`, `503`, …"""
        (answer,) = read(how)
        self._outages.append((at, at + for_s, answer))
        return self

    def recover(self) -> None:
        """Forget script, outages and judge: from now on everything is taken."""
        self._script.clear()
        self._outages.clear()
        self.judge = None
        self.then = Answer()

    # what it got

    @property
    def taken(self) -> list[Exchange]:
        """The requests it took, in order."""
        return [one for one in self.exchanges if one.taken]

    @property
    def payloads(self) -> list[Any]:
        """The payloads it took, in order, as often as it took them."""
        return [payload for one in self.taken for payload in one.payloads]

    @property
    def ids(self) -> Counter[str]:
        """The ids of the events it took, and how often."""
        return Counter(event for one in self.taken for event in one.ids)

    @property
    def statuses(self) -> list[str]:
        """What it did with each request, in order: `503`, `200`, `hang`."""
        return [str(one.answer) for one in self.exchanges]

    # the network's side

    async def meet(self, request: Request, noted: Callable[[Exchange], None]) -> Response:
        """Do with a request what comes next; raise DeliveryFailed as a real network would."""
        loop = asyncio.get_running_loop()
        answer = self._next(request, loop.time())
        exchange = Exchange(loop.time(), request, answer)
        self.exchanges.append(exchange)
        noted(exchange)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            wait = self._wait(answer)
            if wait >= request.timeout_s:
                await asyncio.sleep(request.timeout_s)
                raise self._late(request, answer)
            await asyncio.sleep(wait)
        finally:
            self.in_flight -= 1
        shown = shown_url(request.url)
        match answer.how:
            case "refuse":
                said = f"cannot connect to {shown}: connection refused"
                raise DeliveryFailed(said, unsent=True)
            case "reset before":
                said = f"{shown} broke off: connection reset by peer"
                raise DeliveryFailed(said, unsent=True)
            case "reset" | "reset after":
                raise DeliveryFailed(f"{shown} broke off: connection reset by peer")
        exchange.told_at = loop.time()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, headers, answer.body[: request.max_response])

    def _next(self, request: Request, now: float) -> Answer:
        judged = None if self.judge is None else self.judge(request)
        if judged is not None:
            return read(judged)[0]
        for begins, ends, answer in self._outages:
            if begins <= now < ends:
                return answer
        return self._script.pop(0) if self._script else self.then

    def _wait(self, answer: Answer) -> float:
        if answer.how in ("hang", "unreachable"):
            return math.inf
        if answer.in_s is not None:
            return answer.in_s
        return drawn(self.latency, self._random)

    def _late(self, request: Request, answer: Answer) -> DeliveryFailed:
        stage = "no complete answer" if answer.sees else "no connection"
        said = f"{stage} from {shown_url(request.url)} within {request.timeout_s:g} s"
        return DeliveryFailed(said, unsent=not answer.sees)

    def during(self, for_s: float, how: Answering = "refuse") -> Destination:
        """Be down from now on for `for_s` seconds."""
        return self.down(asyncio.get_running_loop().time(), for_s, how)

    def with_header(self, name: str, value: str) -> Destination:
        """Send a header with every answer that follows the script."""
        self.then = replace(self.then, headers={**self.then.headers, name: value})
        return self


def drawn(latency: Latency, random: Random) -> float:
    """Return seconds from a Latency."""
    if callable(latency):
        return latency(random)
    if isinstance(latency, tuple):
        return random.uniform(*latency)
    return latency


def _events(request: Request) -> Iterator[tuple[str | None, Any]]:
    """Yield id and payload of every event in a request; nothing for a body that is no JSON."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-ndjson":
            payloads = [json.loads(line) for line in request.body.splitlines() if line]
        else:
            value = json.loads(request.body)
            payloads = [value]
            if "docker" in kind and isinstance(value, dict):
                payloads = value.get("events", [])
    except ValueError:
        return
    named = headers.get("ce-id")
    for payload in payloads:
        found = payload.get("id") if isinstance(payload, dict) else None
        yield (unquote(named) if named else found if isinstance(found, str) else None), payload
