"""Does what one RNA-binding protein's windows teach help to find those of another?

    python benchmarks/rna_transfer.py FOLDER [--sources AGO1,AGO2] [--targets SERBP1,NIP7,SBDS] [--repeats 3]

FOLDER holds PROTEIN.txt (public, RBPSuite's windows of ENCODE eCLIP): 101 letters and 1 (bound) or 0 a line.
The source is 1,500 windows of the proteins in --sources, the target another protein with 50, 200 or 1,000
labels (half of each class, drawn anew in each repeat) out of 2,000 windows, tested on 1,000 others. Windows
that share 25 letters are one "patient": none is on both sides of a split, and none of the source is kept that
shares as much with the target. A window that stands in several files counts for the first protein, which is
a source: the target lacks what both bind, and that speaks a little against transfer.

Arms: logistic regression on 3-mers (target-only, the control; source-only; pooled; coral), the same on the
shares of single letters alone (composition), and a small convolutional network from scratch or pretrained on
the source and fine-tuned. Printed: AUROC, differences from target-only, and for pretrain-finetune from
scratch as well, with 95 % intervals and verdicts; and the AUROC of the share of each letter alone, which says
how far a set is told apart by what its windows were drawn from, whatever binds: in AGO1 and AGO2 the share of
G is nearly enough. `--sources SLBP` is a source without that.

The networks' passes were fixed beforehand; one run on WDR3 (`--targets WDR3`) changed nothing in them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

import medgraft as mg
from medgraft.evidence import compare, interval
from medgraft.evidence.metrics import metrics
from medgraft.trial import Trial

SCRATCH, PRETRAINED = "scratch:rows=target,epochs=40", "pretrain-finetune:pretrain_epochs=20,epochs=12"
ARMS = ["target-only", "source-only", "pooled", "coral", SCRATCH, PRETRAINED]
LABELS = (25, 100, 500)  # a class
SHARED = 25  # letters that make two windows one "patient"
SOURCE, POOL, TEST = 1500, 2000, 1000  # windows


def windows(folder: Path, proteins: Iterable[str]) -> pd.DataFrame:
    """Return one row a window: protein, seq (DNA letters), bound, region (windows that overlap)."""
    parts = []
    for protein in proteins:
        part = pd.read_csv(folder / f"{protein}.txt", sep=r"\s+", names=["seq", "bound"])
        parts.append(part.assign(protein=protein, seq=part["seq"].str.upper().str.replace("U", "T")))
    table = pd.concat(parts, ignore_index=True).drop_duplicates("seq", ignore_index=True)
    return table.assign(bound=table["bound"].map({0: "no", 1: "yes"}), region=regions(table["seq"]))


def regions(texts: pd.Series) -> np.ndarray:
    """Number windows so that those that share 25 letters, directly or through others, have one number."""
    letters = np.array([list(text.encode()) for text in texts], dtype=np.uint8)
    words = np.lib.stride_tricks.sliding_window_view(letters, SHARED, axis=1)
    row, at = np.nonzero((words != ord("N")).all(axis=2))
    spelt = np.ascontiguousarray(words[row, at]).view(f"S{SHARED}").ravel()
    n, (seen, word) = len(letters), np.unique(spelt, return_inverse=True)
    size = n + len(seen)
    holds = coo_matrix((np.ones(len(row), dtype=bool), (row, n + word)), shape=(size, size))
    return np.asarray(connected_components(holds, directed=False)[1][:n])


def drawn(table: pd.DataFrame, sources: list[str], target: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that may teach and those that test; no region is in both, or in source and target."""
    rng = np.random.default_rng(0)
    here = table[table["protein"] == target]
    rank = dict(zip(found := here["region"].unique(), rng.permutation(len(found)), strict=True))
    here = here.sort_values("region", key=lambda r: r.map(rank), kind="stable")  # whole regions, at random
    ends = np.flatnonzero(here["region"].ne(here["region"].shift(-1))) + 1
    first, last = (int(ends[np.searchsorted(ends, size)]) for size in (TEST, TEST + POOL))
    far = table[~table["region"].isin(here["region"])]
    each = [far[far["protein"] == name].sample(SOURCE // len(sources), random_state=0) for name in sources]
    source = pd.concat(each).assign(protein="source")
    return pd.concat([source, here[first:last]], ignore_index=True), here[:first]


def letters_alone(table: pd.DataFrame) -> None:
    """Print how far the share of each letter alone tells the classes apart."""
    print("AUROC of the share of one letter alone\nprotein      A      C      G      T")
    for protein, part in table.groupby("protein", sort=False):
        known = part["seq"].str.len() - part["seq"].str.count("N")
        y = (part["bound"] == "yes").to_numpy().astype(int)
        said = []
        for letter in "ACGT":
            p = (part["seq"].str.count(letter) / known.clip(lower=1)).to_numpy()
            said.append(metrics["auroc"].value(y, np.column_stack([1 - p, p])))
        print(f"{protein:10}" + "".join(f"  {max(a, 1 - a):.3f}" for a in said), flush=True)


def predicted(
    teach: mg.Cohort, test: mg.Cohort, arms: list[str], view: str, given: argparse.Namespace
) -> Any:
    """Run a trial, and return every prediction of its arms."""
    source = "medgraft:sequence_cnn" if len(arms) > 1 else None
    trial = Trial(
        teach,
        arms,
        source=source,
        target=given.target,
        test=test,
        labels_per_class=LABELS,
        repeats=given.repeats,
        views=[view],
        device="cpu",
    )
    with tempfile.TemporaryDirectory() as out:
        return trial.run(out).predictions


def judged(part: pd.DataFrame, control: pd.DataFrame | None = None) -> str:
    """AUROC of an arm's predictions, or its difference from a control's, in words."""
    where: dict[str, Any] = {name: part[name].to_numpy() for name in ("group", "repeat")}
    y, p = part["y_true"].to_numpy(), part[["p_0", "p_1"]].to_numpy()
    if control is None:
        i = interval("auroc", y, p, **where)
        return f"{i.value:.3f} [{i.lo:.3f}, {i.hi:.3f}]"
    c = compare("auroc", y, p, control[["p_0", "p_1"]].to_numpy(), **where)
    return f"{c.difference:+.3f} [{c.lo:+.3f}, {c.hi:+.3f}] {c.verdict}"


def report(target: str, found: pd.DataFrame) -> None:
    """Print the arms at each number of labels."""
    for labels in LABELS:
        at = found[found["budget"] == labels]
        parts = {name: at[at["arm"] == name].sort_values(["repeat", "row"]) for name in at["arm"].unique()}
        for name, part in parts.items():
            said = f"{target:8}  {2 * labels:5}   {name.split(':')[0]:18}  {judged(part)}"
            if name != "target-only":
                said += f"   {judged(part, parts['target-only'])}"
            if name == PRETRAINED:
                said += f"   (less scratch: {judged(part, parts[SCRATCH])})"
            print(said, flush=True)


def main() -> None:
    """Run the targets in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sources", default="AGO1,AGO2")
    parser.add_argument("--targets", default="SERBP1,NIP7,SBDS")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    sources, targets = given.sources.split(","), given.targets.split(",")
    letters_alone(windows(given.folder, sources + targets))
    print("\ntarget   labels   arm                 AUROC                  less target-only", flush=True)
    for target in targets:
        given.target = target
        table = windows(given.folder, [*sources, target])
        teach, test = (
            mg.read(part, label="bound", positive="yes", sequence="seq", domain="protein", group="region")
            for part in drawn(table, sources, target)
        )
        found = predicted(teach, test, ARMS, "kmers", given)
        letters = predicted(teach, test, ["target-only"], "composition", given).assign(arm="composition")
        report(target, pd.concat([found, letters]))


if __name__ == "__main__":
    main()
