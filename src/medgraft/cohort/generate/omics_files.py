"""Omics matrices as text, streamed, and as .h5ad files."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort.generate.omics_model import OmicsModel
from medgraft.cohort.generate.people import People
from medgraft.cohort.generate.truth import Array, Made


def omics(
    path: str | Path,
    n_patients: int = 40,
    probes: int = 1000,
    *,
    orientation: str = "probes",
    informative: int = 20,
    effect: float = 1.0,
    shift: float = 0.0,
    noise_m: float = 0.5,
    missing: float = 0.0,
    **people: Any,
) -> Made:
    """Write a matrix of methylation-like betas (4 decimals) as CSV, and its samples beside it.

    Use it for wide data: 450,000 probes of 500 samples are written in half a minute and 250 MB of memory.
    Betas come from M-values (log2 odds; Du et al. 2010, doi:10.1186/1471-2105-11-587) with a class effect
    on few probes and a batch effect on all of them.

    Parameters
    ----------
    path : path
        Of the matrix, .csv or .csv.gz; the samples go to ``<stem>_samples.csv`` in the same folder.
    n_patients : int, default 40
    probes : int, default 1000
    orientation : str, default "probes"
        ``"probes"``: a row per probe, as arrays are published; ``"samples"``: a row per sample (held in
        memory).
    informative, effect, shift, missing
        See :class:`~medgraft.cohort.generate.omics_model.OmicsModel`.
    noise_m : float, default 0.5
        Standard deviation of M-values within a class and site.
    **people
        Of :class:`~medgraft.cohort.generate.people.People`, for two classes; ``noise`` there is that of
        labels.

    Returns
    -------
    Made
        ``truth.coefficients`` has the difference of each probe's M-value between the classes.
    """
    if orientation not in ("probes", "samples"):
        raise MedgraftError("orientation must be probes or samples.")
    model = OmicsModel(People(n_patients, **people), probes, informative, effect, shift, noise_m, missing)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    samples = model.samples
    names = [f"cg{j + 1:08d}" for j in range(probes)]
    with _text(target) as file:
        if orientation == "probes":
            file.write(",".join(["probe", *samples["sample"]]).encode() + b"\n")
            start = 0
            for block in model.blocks():
                file.write(_lines(block, names[start : start + len(block)]))
                start += len(block)
        else:
            file.write(",".join(["sample", *names]).encode() + b"\n")
            whole = np.concatenate([_codes(block) for block in model.blocks()]).T
            for i in range(0, len(whole), 16):
                file.write(_lines(whole[i : i + 16], samples["sample"].tolist()[i : i + 16]))
    stem = target.name.split(".")[0]
    beside = target.with_name(f"{stem}_samples.csv")
    samples.drop(columns="shown").to_csv(beside, index=False, lineterminator="\n")
    return Made(target, samples, model.truth)


@contextmanager
def _text(path: Path) -> Iterator[IO[bytes]]:
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", 1, raw, mtime=0) as file:
                yield file  # type: ignore[misc]
        else:
            yield raw


_MISSING = 10001
# The text of every value that 4 decimals can have, and of none at all: ",0.1234". A look-up is a hundred
# times faster than formatting numbers one by one.
_WORDS = b"".join(f",{k / 10000:.4f}".encode() for k in range(10001)) + b",\0\0\0\0\0\0"


def _codes(block: Array) -> Array:
    return np.where(np.isnan(block), _MISSING, np.rint(np.nan_to_num(block) * 10000)).astype(np.uint16)


def _lines(block: Array, names: list[str]) -> bytes:
    """Return the lines of some rows: name, values with 4 decimals, nothing where missing."""
    words = np.frombuffer(_WORDS, np.uint8).reshape(-1, 7)
    codes = block if block.dtype == np.uint16 else _codes(block)
    lines = []
    for name, row in zip(names, codes, strict=True):
        text = words[row].ravel()
        lines.append(name.encode() + (text[text > 0] if (row == _MISSING).any() else text).tobytes() + b"\n")
    return b"".join(lines)


def h5ad(
    path: str | Path,
    n_patients: int = 40,
    probes: int = 1000,
    *,
    sparse: bool = False,
    shift: float = 0.0,
    informative: int = 20,
    effect: float = 1.0,
    **people: Any,
) -> Made:
    """Write counts of expression (samples x genes) in the on-disk layout of anndata.

    Counts are Poisson with the mean 2^m / 2 cut at 50, where m is the M-value of
    :class:`~medgraft.cohort.generate.omics_model.OmicsModel`; about half of them are 0. They
    are held in memory. Layout: anndata's on-disk format 0.1.0 (Virshup et al. 2024,
    doi:10.21105/joss.04371).

    Parameters
    ----------
    path : path
    n_patients, probes : int
    sparse : bool, default False
        Write ``X`` as a CSR matrix instead of an array.
    shift, informative, effect, **people
        As for :func:`omics`.

    Returns
    -------
    Made
        ``obs`` of the file holds the columns patient, site, label, sex (categories) and age.

    Raises
    ------
    MedgraftError
        h5py is not installed, or a setting is out of its range.
    """
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as error:
        raise MedgraftError("Writing .h5ad files needs h5py: pip install 'medgraft[omics]'.") from error
    model = OmicsModel(People(n_patients, **people), probes, informative, effect, shift)
    samples = model.samples
    rng = np.random.default_rng([model.people.seed, 8])
    odds = (beta / (1 - beta) for beta in (b.clip(1e-6, 1 - 1e-6) for b in model.blocks()))
    counts = np.concatenate([rng.poisson((o / 2).clip(0, 50)).astype(np.float32) for o in odds]).T
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        _kind(file, "anndata", "0.1.0")
        _matrix(file, counts, sparse)
        obs = _frame(file, "obs", samples["sample"].tolist())
        for column in ("patient", "site", "label", "sex"):
            values = samples[column].astype("category")
            group = obs.create_group(column)
            _kind(group, "categorical", "0.2.0")
            group.attrs["ordered"] = False
            _array(group, "codes", values.cat.codes.to_numpy(np.int8 if len(samples) < 128 else np.int32))
            _strings(group, "categories", values.cat.categories.tolist())
        _array(obs, "age", samples["age"].to_numpy())
        obs.attrs["column-order"] = ["patient", "site", "label", "sex", "age"]
        var = _frame(file, "var", [f"GENE{j + 1}" for j in range(probes)])
        var.attrs.create("column-order", [], dtype=h5py.string_dtype())
        for name in ("layers", "obsm", "obsp", "uns", "varm", "varp"):
            _kind(file.create_group(name), "dict", "0.1.0")
    return Made(Path(path), samples, model.truth)


def _kind(node: Any, kind: str, version: str) -> None:
    node.attrs["encoding-type"], node.attrs["encoding-version"] = kind, version


def _array(group: Any, name: str, values: Array) -> None:
    _kind(group.create_dataset(name, data=values), "array", "0.2.0")


def _strings(group: Any, name: str, texts: list[str]) -> None:
    import h5py  # type: ignore[import-untyped]

    _kind(group.create_dataset(name, data=texts, dtype=h5py.string_dtype()), "string-array", "0.2.0")


def _frame(file: Any, name: str, index: list[str]) -> Any:
    group = file.create_group(name)
    _kind(group, "dataframe", "0.2.0")
    group.attrs["_index"] = "_index"
    _strings(group, "_index", index)
    return group


def _matrix(file: Any, counts: Array, sparse: bool) -> None:
    if not sparse:
        _array(file, "X", counts)
        return
    group = file.create_group("X")
    _kind(group, "csr_matrix", "0.1.0")
    group.attrs["shape"] = np.array(counts.shape)
    row, column = np.nonzero(counts)
    group.create_dataset("data", data=counts[row, column])
    group.create_dataset("indices", data=column.astype(np.int32))
    group.create_dataset(
        "indptr", data=np.r_[0, np.cumsum(np.bincount(row, minlength=len(counts)))].astype(np.int32)
    )
