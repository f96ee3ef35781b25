"""Progress bars for whatever takes over two seconds; silent when not asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

EVERY = 5.0  # seconds between two lines where there is no terminal


class Progress:
    """Bars on the terminal, or nothing at all.

    Parameters
    ----------
    on : bool
        Show bars, or lines where standard error is no terminal. They go there, so that output can be piped.

    Examples
    --------
    >>> with Progress(False).bar("Arms", 2) as step:
    ...     step("first")
    """

    def __init__(self, on: bool) -> None:
        self.on = on
        self._live: Any = None

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Callable[[str], None]]:
        """Yield a function to call, with a name, after each step."""
        if not self.on:
            yield lambda name: None
            return
        if not sys.stderr.isatty():
            yield _lines(what, total)
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Live

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Live(*columns, console=Console(stderr=True)) as self._live:
            task = self._live.add_task(what, total=total)
            yield lambda name: self._live.update(task, advance=1, description=f"{what}: {name}")
        self._live = None

    def attach(self, estimator: Any) -> None:
        """Let an estimator that reports its own steps draw a second bar."""
        live = self._live
        if live is None:
            return
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = live.add_task(f"  {what}", total=total)
            live.update(tasks[what], completed=done, total=total, visible=done < total)

        for part in _parts(estimator):
            if hasattr(part, "progress"):
                part.progress = show


def _lines(what: str, total: int) -> Callable[[str], None]:
    """Return a function that says how far the work is, but not more often than every few seconds."""
    done, told = 0, time.monotonic()

    def step(name: str) -> None:
        nonlocal done, told
        done += 1
        if time.monotonic() - told >= EVERY:
            told = time.monotonic()
            print(f"{what}: {done} of {total}, {name}", file=sys.stderr, flush=True)

    return step


def _parts(estimator: Any) -> Iterator[Any]:
    """Yield an estimator and those it is made of."""
    yield estimator
    inner = [getattr(estimator, name, None) for name in ("featuriser", "estimator", "control")]
    candidates = getattr(estimator, "candidates", None) or {}
    for part in [*inner, *candidates.values()]:
        if part is not None:
            yield from _parts(part)
