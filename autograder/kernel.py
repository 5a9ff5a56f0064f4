"""The trusted handles on students' code: run its cells, ask its functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder import responder, wire


class LocalAsk:
    """Asks functions of a namespace in this process, through the same bytes and the same code.

    For the trusted side's own functions (references, mutants, accepted solutions): there is no
    isolation and no time limit.
    """

    def __init__(self, namespace: Mapping[str, Any]):
        self.namespace = namespace

    def __call__(
        self, function: str, *args: Any, timeout: float | None = None, **kwargs: Any
    ) -> wire.Answer:
        payload = wire.question(0, function, args, kwargs)
        return wire.decode_answer(responder.reply_to_question(self.namespace, payload), 0, function)
