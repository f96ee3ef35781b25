"""The run folder: what may be in it, whether it can be resumed, and a fresh start."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from medgraft.base import MedgraftError
from medgraft.cohort import Splits
from medgraft.trial.plan import Plan

FILES = (
    *("result.json", "predictions.parquet", "slices.parquet", "splits.parquet", "plan.json"),
    *("report.html", "report.json", "model_card.md", "comparison.html", "log.jsonl"),
)
PARTIAL = (  # what a kill may leave
    *("report.html.tmp", "report.json.tmp", "model_card.md.tmp", "comparison.html.tmp"),
    *("result.json.tmp", "plan.json.tmp"),
)
CUT = ".splits.parquet.*"  # likewise, with the number of the process
FOLDERS = ("graft", "graft.tmp", "partial", "partial.tmp", "examples")
OTHERS = ("audit.json", "audit.html")  # of `medgraft audit` into the same folder; they stay


def can_resume(out: Path, plan: Plan) -> bool:
    """Return whether `out` already holds the finished result of this very trial.

    Raises
    ------
    MedgraftError
        There is no run in `out`, or one of another trial.
    """
    if not (out / "plan.json").exists():
        raise MedgraftError(f"There is no run to resume in '{out}': leave out --resume.")
    if _digest(out) != plan.digest:
        raise MedgraftError(
            f"The run in '{out}' is of another trial (data, arms, seed or splits differ): "
            "choose another --out, or leave out --resume to replace it."
        )
    finished = (out / "result.json").exists() and not (out / "partial").exists()
    if finished:
        shutil.rmtree(out / "partial.tmp", ignore_errors=True)
    return finished


def close(out: Path) -> None:
    """Remove what only a resumed run needs; in one step, so that a kill leaves a finished run."""
    done = out / "partial.tmp"
    shutil.rmtree(done, ignore_errors=True)
    (out / "partial").replace(done)
    shutil.rmtree(done)


def _digest(out: Path) -> str:
    try:
        return str(json.loads((out / "plan.json").read_text())["digest"])
    except (ValueError, LookupError, TypeError) as error:
        raise MedgraftError(f"The plan in '{out}' is damaged: leave out --resume to start again.") from error


def prepare(out: Path, plan: Plan, splits: Splits, resume: bool) -> None:
    """Make the folder, empty it of an earlier run unless resuming, and write plan and splits.

    Raises
    ------
    MedgraftError
        `out` is a file, or holds files that no run wrote.
    """
    check(out)
    if not resume and out.is_dir():
        for name in (*FILES, *PARTIAL):
            (out / name).unlink(missing_ok=True)
        for name in FOLDERS:
            shutil.rmtree(out / name, ignore_errors=True)
    try:
        (out / "partial").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MedgraftError(
            f"The folder '{out}' cannot be made ({error.strerror}): choose another --out."
        ) from error
    for cut in out.glob(CUT):
        cut.unlink()
    plan.write(out / "plan.json")
    splits.write(out / "splits.parquet")


def check(out: Path) -> None:
    """Refuse a folder that is not ours to write into."""
    if out.exists() and not out.is_dir():
        raise MedgraftError(f"'{out}' is a file: give --out a folder.")
    if out.is_dir():
        ours = {*FILES, *PARTIAL, *FOLDERS, *OTHERS, *(p.name for p in out.glob(CUT))}
        strange = sorted(p.name for p in out.iterdir() if p.name not in ours)
        if strange:
            raise MedgraftError(
                f"The folder '{out}' holds other files ('{strange[0]}'): choose another --out."
            )
