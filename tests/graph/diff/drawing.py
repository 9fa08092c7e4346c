"""Documents drawn at random, and small edits of them as a person makes them."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from tests.reliability.documents import Stores, draw_plan

__all__ = ["drawn", "edited"]

Document = dict[str, Any]
STORES: tuple[Stores, ...] = ("memory", "disk", "mixed")


def drawn(seed: int) -> Document:
    chance = random.Random(seed)
    return draw_plan(chance, stores=chance.choice(STORES), most=16).document


def edited(document: Document, seed: int) -> Document:
    """Return a document with a few small edits, as a person makes them."""
    chance = random.Random(seed)
    made = copy.deepcopy(document)
    for _ in range(chance.randint(0, 4)):
        name = chance.choice(list(made["sinks"]))
        node = made["sinks"][name]
        match chance.randrange(4), node["kind"]:
            case 0, _:
                node["description"] = f"edit {chance.randrange(3)}"
            case 1, "queue":
                node["capacity"] = chance.randint(500, 900)
            case 2, "http":
                node["url"] = f"http://host-{chance.randrange(3)}.test/edited"
            case 3, _:
                made = renamed(made, name, f"{name}-now")
    return made


def renamed(document: Document, old: str, new: str) -> Document:
    """Return a document in which a node has another name, and says so."""
    if any(node.get("was") == old for node in document["sinks"].values()) or "-now" in old:
        return document
    text = json.dumps(document).replace(f'"{old}"', f'"{new}"')
    made: Document = json.loads(text)
    made["sinks"][new]["was"] = old
    return made
