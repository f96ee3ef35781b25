"""What a graft carries for the place where it is used: a recalibrator, sets or intervals, a threshold."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.calibration import Recalibrator
from medgraft.evidence.conformal import ConformalIntervals, ConformalSets
from medgraft.evidence.decision import OperatingPoint

if TYPE_CHECKING:
    from medgraft.graft.graft import Graft

FILE = "use.json"
FORMAT = 2  # of a graft with such a file: an older medgraft must refuse it, not pass over the file
WORDS = {
    "temperature": "recalibrated by temperature",
    "vector": "recalibrated by vector scaling",
    "platt": "recalibrated by Platt's curve",
    "prior-shift": "recalibrated by the intercept",
}


@dataclass(frozen=True)
class Use:
    """What labelled patients of a place taught about a graft's predictions there. It holds none of them.

    Made by :func:`medgraft.graft.calibrate.calibrate`, kept in ``use.json`` beside the model, applied by
    `Graft.predict_proba` and `Graft.table`. It holds for patients like those who taught it, and not for
    another place, another scanner or another prevalence.

    Attributes
    ----------
    recalibrator : Recalibrator or None
        From the model's probabilities to those that are told.
    conformal : ConformalSets, ConformalIntervals or None
        Thresholds for the told probabilities, or for values.
    point : OperatingPoint or None
        A threshold for the told probability of the event.
    joined : bool
        Whether it is for patients whose rows are joined (``--aggregate``), and not for single rows.
    evidence : dict
        What it was worth on patients that each part had not seen; numbers for JSON.
    """

    recalibrator: Recalibrator | None
    conformal: ConformalSets | ConformalIntervals | None
    point: OperatingPoint | None
    joined: bool
    evidence: dict[str, Any]

    def probabilities(self, p: NDArray[Any]) -> NDArray[Any]:
        """Return what is told in place of the model's probabilities (n, K), or values (n,)."""
        return p if self.recalibrator is None else self.recalibrator.transform(p)

    def columns(self, told: NDArray[Any], classes: list[str] | None) -> dict[str, NDArray[Any]]:
        """Return the columns that a table of predictions gains.

        Parameters
        ----------
        told : (n, K) or (n,) array
            From `probabilities`.
        classes : list of str or None

        Returns
        -------
        dict
            ``set``, names joined by ``|`` or ``"none"``; or ``low`` and ``high``; and ``decision``, a name.
        """
        made: dict[str, NDArray[Any]] = {}
        if isinstance(self.conformal, ConformalIntervals):
            made["low"], made["high"] = self.conformal.predict(told).T
        elif self.conformal is not None:
            names = np.asarray(classes)
            made["set"] = np.array(["|".join(names[s]) or "none" for s in self.conformal.predict(told)])
        if self.point is not None:
            made["decision"] = np.asarray(classes)[self.point.decide(told).astype(int)]
        return made

    def sentence(self) -> str:
        """Say in one line what is applied."""
        said = [] if self.recalibrator is None else [WORDS[self.recalibrator.kind]]
        if "prevalence" in self.evidence:
            said[0] += f", for a prevalence of {self.evidence['prevalence']:g}"
        if self.conformal is not None:
            what, whose = "intervals", ""
            if isinstance(self.conformal, ConformalSets):
                what, whose = "sets", " for each class" if self.conformal.by_class else " for all together"
            said.append(f"{what} at {100 * (1 - self.conformal.alpha):.4g} %{whose}")
        if self.point is not None:
            rule = f"{self.point.rule} {self.point.value:g}"
            said.append(f"decision from {self.point.threshold:.3g} ({rule})")
        return f"Applied: {'; '.join(said)}; learnt from {self.evidence['patients']} patients of one place."

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON: numbers, and names of methods and classes."""
        point = None if self.point is None else {k: getattr(self.point, k) for k in _POINT}
        return {
            "recalibrator": None if self.recalibrator is None else self.recalibrator.to_dict(),
            "conformal": None if self.conformal is None else self.conformal.to_dict(),
            "point": point,
            "joined": self.joined,
            "evidence": self.evidence,
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Use:
        """Return the same again, to the last bit.

        Examples
        --------
        >>> from medgraft.evidence.calibration import PriorShift
        >>> use = Use(PriorShift.of(0.5, 0.1), None, None, False, {"patients": 40})
        >>> again = Use.from_dict(json.loads(json.dumps(use.to_dict())))
        >>> again.probabilities(np.array([[0.5, 0.5]])).round(3).tolist()
        [[0.9, 0.1]]
        """
        curve, thresholds, point = (saved[name] for name in ("recalibrator", "conformal", "point"))
        kinds: dict[str, type[ConformalSets | ConformalIntervals]]
        kinds = {"sets": ConformalSets, "intervals": ConformalIntervals}
        return cls(
            None if curve is None else Recalibrator.from_dict(curve),
            None if thresholds is None else kinds[thresholds["kind"]].from_dict(thresholds),
            None if point is None else OperatingPoint(**{k: point[k] for k in _POINT}),
            bool(saved["joined"]),
            dict(saved["evidence"]),
        )


_POINT = ("threshold", "rule", "value")


def check_folder(graft: Graft, out: Path) -> None:
    """Refuse a folder that a calibrated graft cannot be written to.

    Raises
    ------
    MedgraftError
        It holds something, lies within the graft, or its parent does not exist.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MedgraftError(f"'{out}' is there already: give --out a new folder, the graft stays as it is.")
    if out.resolve().is_relative_to(graft.path.resolve()):
        raise MedgraftError(f"'{out}' lies within the graft itself: give --out a folder beside it.")
    if not out.absolute().parent.is_dir():
        raise MedgraftError(f"'{out}' cannot be written: its folder does not exist.")


def write(graft: Graft, use: Use, out: str | Path) -> None:
    """Copy a graft to a new folder, with what it carries for its place of use.

    ``use.json`` is added, and its SHA-256 stands in ``graft.json`` as those of the parts do. A kill leaves
    all of the new folder or nothing.

    Parameters
    ----------
    graft : Graft
        It stays as it is.
    use : Use
    out : path
        A folder that is not there yet.

    Raises
    ------
    MedgraftError
        See `check_folder`; or the folder cannot be written.
    """
    out = Path(out)
    check_folder(graft, out)
    text = (json.dumps(use.to_dict(), indent=2, allow_nan=False) + "\n").encode()
    entry = {"file": FILE, "sha256": hashlib.sha256(text).hexdigest()}
    partial = out.with_name(out.name + ".tmp")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for name in sorted({Path(part["file"]).name for part in graft.manifest["parts"]} | {"evidence.json"}):
            if (graft.path / name).exists():  # whatever else somebody put into the folder stays there
                shutil.copy2(graft.path / name, partial)
        (partial / FILE).write_bytes(text)
        manifest = graft.manifest | {"format": FORMAT, "use": entry}
        (partial / "graft.json").write_text(json.dumps(manifest, indent=2) + "\n")
        partial.replace(out)
    except OSError as error:
        raise MedgraftError(f"The folder '{out}' cannot be written ({error.strerror}).") from None


def read(folder: Path, manifest: dict[str, Any]) -> Use | None:
    """Return what the graft of a folder carries, checked against its checksum, or None.

    Raises
    ------
    MedgraftError
        The file is missing, was changed, or cannot be used.
    """
    if "use" not in manifest:
        return None
    file = folder / FILE
    if not file.exists():
        raise MedgraftError(f"The graft '{folder}' is damaged: '{FILE}' is missing.")
    text = file.read_bytes()
    if hashlib.sha256(text).hexdigest() != manifest["use"]["sha256"]:
        raise MedgraftError(f"The graft '{folder}' is damaged: '{FILE}' is not the file that was saved.")
    try:
        return Use.from_dict(json.loads(text))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise MedgraftError(
            f"The graft '{folder}' is damaged: its {FILE} cannot be used ({error})."
        ) from error
