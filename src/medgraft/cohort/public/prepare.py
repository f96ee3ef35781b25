"""Tables of data sets whose own tables need a step before they are read."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.public.layout import find

_BREAKHIS = re.compile(
    r"SOB_(?P<label>[BM])_(?P<type>[A-Z]+)-(?P<slide>(?P<patient>\d+-\d+)\w*)-(?P<magnification>\d+)-\d+"
)
_C_NMC = re.compile(r"UID_(?P<patient>H?\d+)_\d+_\d+_(?P<label>all|hem)")
_IMPLANTS = re.compile(r"(?P<label>cofield|depuy|tornier|zimmer)", re.IGNORECASE)
_MIAS = re.compile(r"(mdb(\d{3}))\w*\s+([FGD])\s+([A-Z]{4})(?:\s+([BM]))?\b.*")


def ptb_xl(folder: Path) -> pd.DataFrame:
    """Return PTB-XL's table with ``signal`` (records at 100 Hz) and ``superclass``.

    The superclass (NORM, MI, STTC, CD, HYP) is that of the diagnostic statement of highest likelihood;
    records
    without one have none.
    """
    database, statements = find(folder, "ptbxl_database.csv")[0], find(folder, "scp_statements.csv")[0]
    table = pd.read_csv(database)
    about = pd.read_csv(statements, index_col=0)
    classes = {str(code): str(name) for code, name in about["diagnostic_class"].dropna().items()}
    table["superclass"] = [_superclass(text, classes, database) for text in table["scp_codes"]]
    table["signal"] = [str(database.parent / f"{name}.hea") for name in table["filename_lr"]]
    return table


def _superclass(text: object, classes: dict[str, str], path: Path) -> str | None:
    try:
        codes: Any = ast.literal_eval(str(text))
        found = [(float(likelihood), classes[code]) for code, likelihood in codes.items() if code in classes]
    except (ValueError, SyntaxError, AttributeError, TypeError, MemoryError, RecursionError) as error:
        raise MedgraftError(f"'{path}' has statements that cannot be read ('{str(text)[:40]}').") from error
    return max(found, key=lambda pair: pair[0])[1] if found else None


def isic_2019(folder: Path) -> pd.DataFrame:
    """Return ISIC 2019's images with ``label``, from its table of one column a class, and its metadata."""
    truth = find(folder, "ISIC_2019_Training_GroundTruth.csv")[0]
    marks = pd.read_csv(truth, index_col="image")
    table = pd.DataFrame({"image": marks.index, "label": marks.idxmax(axis=1).to_numpy()})
    metadata = find(folder, "ISIC_2019_Training_Metadata.csv")
    if metadata:
        table = table.merge(pd.read_csv(metadata[0]), on="image", how="left")
    images = {file.stem: str(file) for file in find(folder, "ISIC_2019_Training_Input/*.jpg")}
    table["image"] = [images.get(name, name) for name in table["image"]]
    return table


def breakhis(folder: Path) -> pd.DataFrame:
    """Return BreaKHis' images with what their names tell: class, type of tumour, slide, magnification.

    Known is the form of a name: year and slide, as in 14-22549AB. Not known is whether 14-22549CD is of the
    same patient: letters may tell slides of one apart. The set is said to be of 82 patients, and has 82
    folders of slides; by year and digits these are 70 (counted in a public list of the folders). The safe
    side is taken: ``patient`` is the year and the digits, whatever the letters and the type of tumour, and
    ``slide`` has the letters. If letters were patients, this would only make fewer, larger groups.
    """
    table = _named(find(folder, "SOB_*.png"), _BREAKHIS)
    table["label"] = table["label"].map({"B": "benign", "M": "malignant"})
    return table


def c_nmc(folder: Path) -> pd.DataFrame:
    """Return C-NMC's cells with patient, class (all: leukaemic, hem: healthy) and fold."""
    table = _named(find(folder, "fold_?/*/UID_*.bmp"), _C_NMC)
    table["fold"] = [Path(image).parents[1].name for image in table["image"]]
    return table


def implants(folder: Path) -> pd.DataFrame:
    """Return X-rays of shoulder implants with the maker, which their names begin with."""
    table = _named(find(folder, "*.jpg|*.png"), _IMPLANTS)
    table["label"] = table["label"].str.lower()
    return table


def _named(images: list[Path], pattern: re.Pattern[str]) -> pd.DataFrame:
    found = [(image, pattern.match(image.stem)) for image in images]
    rows = [{"image": str(image), **match.groupdict()} for image, match in found if match]
    if not rows:
        raise MedgraftError(f"No image has a name of the published form ({pattern.pattern}).")
    return pd.DataFrame(rows)


def mias(folder: Path) -> pd.DataFrame:
    """Return MIAS' films that are there, with tissue, finding and label.

    A film with several findings takes the worst. The films 2k-1 and 2k are of one woman.
    """
    files = {file.stem: file for file in sorted(folder.rglob("mdb*.*"), reverse=True)}
    films: dict[str, dict[str, Any]] = {}
    for line in find(folder, "Info.txt|README")[0].read_text(encoding="latin-1").splitlines():
        match = _MIAS.fullmatch(line.strip())
        if match is None or match[1] not in files:
            continue
        name, number, tissue, finding, severity = match.groups()
        label = {"B": "benign", "M": "malignant", None: "normal"}[severity]
        row = {
            "image": str(files[name]),
            "patient": (int(number) + 1) // 2,
            "tissue": tissue,
            "finding": finding,
        }
        if name not in films or label == "malignant":
            films[name] = row | {"label": label}
    if not films:
        raise MedgraftError(f"'{folder}' has no list of films (Info.txt): it is no complete copy of 'mias'.")
    return pd.DataFrame(films.values())
