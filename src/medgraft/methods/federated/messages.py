"""Messages between a server and hospitals: named arrays, every one of them logged with its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Message = Mapping[str, NDArray[Any]]


class Answers(Protocol):
    """What stands at the other end of a line: a hospital in this process, or a network client."""

    name: str

    def answer(self, question: str, message: Message) -> dict[str, NDArray[Any]]:
        """Answer a question by arrays that hold sums over patients, never a patient."""


@dataclass
class Federation:
    """A server's lines to its hospitals, with a log of what went over them.

    Parameters
    ----------
    sites : list of Answers

    Attributes
    ----------
    log : list of dict
        For each message "round", "site", "direction" ("to" or "from" the site), "question", "arrays" (names
        and shapes) and "bytes"; no values.
    rounds : int
        How often the server asked all sites.

    Examples
    --------
    >>> class Echo:
    ...     name = "north"
    ...     def answer(self, question, message):
    ...         return {"sum": message["x"].sum(keepdims=True)}
    >>> f = Federation([Echo()])
    >>> f.ask("add", {"x": np.ones(3)})[0]["sum"].tolist(), f.rounds, f.bytes
    ([3.0], 1, 32)
    """

    sites: list[Any]
    log: list[dict[str, Any]] = field(default_factory=list)
    rounds: int = 0

    def ask(self, question: str, message: Message) -> list[dict[str, NDArray[Any]]]:
        """Send one message to every site and return their answers, in the order of sites."""
        self.rounds += 1
        return [self._one(site, question, message) for site in self.sites]

    def total(self, question: str, message: Message) -> dict[str, NDArray[Any]]:
        """Sum the answers of all sites, array by array."""
        answers = self.ask(question, message)
        return {name: np.sum([a[name] for a in answers], axis=0) for name in answers[0]}

    @property
    def bytes(self) -> int:
        """Bytes of all arrays that were sent, in both directions."""
        return sum(entry["bytes"] for entry in self.log)

    def _one(self, site: Answers, question: str, message: Message) -> dict[str, NDArray[Any]]:
        self._note(site.name, "to", question, message)
        answer = site.answer(question, message)
        self._note(site.name, "from", question, answer)
        return answer

    def _note(self, site: str, direction: str, question: str, message: Message) -> None:
        self.log.append(
            {
                "round": self.rounds,
                "site": site,
                "direction": direction,
                "question": question,
                "arrays": {name: list(a.shape) for name, a in message.items()},
                "bytes": int(sum(a.nbytes for a in message.values())),
            }
        )
