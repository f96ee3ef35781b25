"""The result of a trial: figures, comparisons, the verdict, and what is delivered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.base.scrub import scrub
from medgraft.graft import Graft, load


@dataclass
class Result:
    """What a trial found.

    Attributes
    ----------
    data : dict
        The content of ``result.json``.
    predictions : DataFrame
        One row for each arm, test row, repeat and label budget; where a patient's rows are aggregated, one
        for each patient.
    out : Path or None
        The run folder.
    slices : DataFrame or None
        The rows before they were aggregated, of a result that has just been made.

    Examples
    --------
    Read a run back with ``Result.read("out")``; print it with ``print(result)``.
    """

    data: dict[str, Any]
    predictions: pd.DataFrame
    out: Path | None = None
    slices: pd.DataFrame | None = None

    @property
    def arms(self) -> list[dict[str, Any]]:
        """One dict for each arm: its value with interval, its costs."""
        return list(self.data["arms"])

    @property
    def comparisons(self) -> list[dict[str, Any]]:
        """One dict for each arm but the control: difference, interval, verdict."""
        return list(self.data["comparisons"])

    @property
    def verdict(self) -> str:
        """The answer to the trial's question, as a sentence."""
        return str(self.data["verdict"])

    @property
    def chosen(self) -> str:
        """The arm whose model is delivered."""
        return str(self.data["chosen"])

    @cached_property
    def graft(self) -> Graft:
        """The delivered model."""
        if self.out is None:
            raise MedgraftError("This result has no folder: read it with Result.read(folder).")
        return load(self.out / "graft")

    def write(self, out: Path) -> None:
        """Write ``predictions.parquet`` (and ``slices.parquet``) and, last, ``result.json``."""
        for name, frame in (("predictions", self.predictions), ("slices", self.slices)):
            if frame is not None:
                _numbered(frame).to_parquet(out / f"{name}.parquet", index=False)
        text = json.dumps(scrub(self.data), indent=2, allow_nan=False) + "\n"
        partial = out / "result.json.tmp"
        partial.write_text(text)
        partial.replace(out / "result.json")

    @classmethod
    def read(cls, out: str | Path) -> Result:
        """Read a run folder.

        Raises
        ------
        MedgraftError
            The folder holds no finished run.
        """
        out = Path(out)
        if not (out / "result.json").exists():
            raise MedgraftError(f"'{out}' holds no finished run: there is no result.json in it.")
        data = json.loads((out / "result.json").read_text())
        return cls(data, pd.read_parquet(out / "predictions.parquet"), out)

    def __str__(self) -> str:
        compared = {c["arm"]: c for c in self.comparisons}
        width = max([24, *(len(a["name"]) for a in self.arms)])
        figures = "95 % interval    difference   95 % interval    verdict"
        head = f"{'arm':<{width}} {self.data['metric']:>9}  {figures}"
        lines = [self.data["question"], "", head]
        for a in self.arms:
            line = f"{a['name']:<{width}} {_number(a['value'])}  {_interval(a['ci'])}"
            if c := compared.get(a["name"]):
                line += f"    {_number(c['difference'], '+')}   {_interval(c['ci'], '+')}  {c['verdict']}"
            else:
                line += "    (the control)"
            lines.append(line)
        told = [] if self.verdict.startswith(self.delivered) else ["", self.delivered]
        return "\n".join([*lines, "", self.verdict, *told])

    @property
    def delivered(self) -> str:
        """Which model is handed over, and why, in sentences."""
        because = str(self.data["chosen_because"])
        guard = self.data["guard"]
        if self.chosen != guard["arm"]:
            return because
        if final := guard.get("final"):
            rows = "fitted once more, on all rows that may teach, it"
            return f"{because} Delivered: {rows} chose {final['choice']}. {final['reason']}"
        if len(guard["choices"]) == 1:
            chose = next(iter(guard["choices"]))
            return " ".join([because, f"It chose {chose}.", *guard["reasons"][:1]])
        return because


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Number patients by pseudonym: in the order of names the number would tell who it is."""
    if "patient" not in frame:
        return frame
    own = frame["patient"].where(frame["patient"] != "", "row " + frame["row"].astype(str))
    return frame.assign(group=pd.factorize(own, sort=True)[0])


def _number(x: float | None, sign: str = "") -> str:
    return f"{'-':>9}" if x is None else f"{x:{sign}9.3f}"


def _interval(ci: list[float | None], sign: str = "") -> str:
    return " to ".join("-" if x is None else f"{x:{sign}.3f}" for x in ci).ljust(15)
