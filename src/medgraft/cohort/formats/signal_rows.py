"""What folders of signals share: one row per file, its class folder, and the folder below that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from medgraft.cohort.formats import Say, class_of
from medgraft.cohort.formats.folders import absolute


def rows_of(root: Path, files: Sequence[Path], say: Say) -> pd.DataFrame:
    """Return one row per file: ``signal`` (absolute path), ``file`` (inside the folder), and where they
    exist ``label`` (the class folder) and ``folder`` (the folder inside the class folder).

    Files beside class folders have no class and are left out with a warning.
    """
    classes = [class_of(root, file) for file in files]
    if any(classes) and not all(classes):
        say(f"{classes.count('')} signals lie beside the class folders and are not used.")
        files = [file for file, name in zip(files, classes, strict=True) if name]
        classes = [name for name in classes if name]
    inside = [file.relative_to(root).as_posix() for file in files]
    frame = pd.DataFrame({"signal": [str(absolute(file)) for file in files], "file": inside}, dtype=object)
    if not any(classes):
        return frame
    frame["label"] = classes
    folders = [parts[1] if len(parts := name.split("/")) > 2 else None for name in inside]
    if any(folders):
        frame["folder"] = folders
        say(
            "The class folders hold folders of their own; if each is a patient, say --group folder, so that "
            "no patient is on both sides of a split."
        )
    return frame
