"""AnnData files (.h5ad), read in a process of their own, because the HDF5 library hangs or crashes on "
"damaged ones."""

from __future__ import annotations

import importlib.util
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.omics.store import Draft, Tell

MAGIC = b"\x89HDF\r\n\x1a\n"
PATIENCE = 120.0  # seconds without any progress
_COMMAND = [sys.executable, "-m", "medgraft.cohort.omics.h5read"]


def read(path: Path, folder: Path, progress: Tell | None, orientation: str, ids: Collection[str]) -> Draft:
    """Read an AnnData file into a draft.

    Raises
    ------
    MedgraftError
        h5py is not installed, or the file is damaged, contradicts itself, or leads out of itself.
    """
    if importlib.util.find_spec("h5py") is None:
        raise MedgraftError(".h5ad files need h5py: pip install 'medgraft[omics]'.")
    line = [*_COMMAND, str(path.absolute()), str(folder.absolute())]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            outcome = _listen(child, path, progress)
        finally:
            child.kill()
    if "said" not in outcome:
        raise MedgraftError(
            str(outcome["error"]) if "error" in outcome else _damaged(path, str(outcome["reason"]))
        )
    names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
    table = pd.read_parquet(folder / "draft.parquet") if outcome["width"] else pd.DataFrame()
    for name in ("names.json", "draft.parquet"):
        (folder / name).unlink()
    return Draft(
        names["rows"],
        names["columns"],
        folder / "read.f32",
        table,
        "rows",
        said=[str(w) for w in outcome["said"]],
    )


def _listen(child: subprocess.Popen[str], path: Path, progress: Tell | None) -> dict[str, Any]:
    """Return the last thing that the process says; it must keep saying something."""
    lines: queue.Queue[str | None] = queue.Queue()
    out = child.stdout
    assert out is not None

    def pump() -> None:
        for line in out:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=pump, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise MedgraftError(_damaged(path, f"no progress for {PATIENCE:.0f} seconds")) from None
        if line is None:
            raise MedgraftError(_damaged(path, "the HDF5 library gave up"))
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            continue  # something that a library prints
        if "done" not in told:
            return told
        if progress is not None:
            progress(int(str(told["done"])), int(str(told["total"])))


def _damaged(path: Path, reason: str) -> str:
    return f"The matrix '{path}' cannot be read ({reason}): is it damaged? Get it again."
