"""Do embeddings learnt on what proteins bind rank proteins for microRNAs?

    python benchmarks/mirna_ranking.py FOLDER [--held-out SBDS] [--network bilstm_attention] [--epochs 10]

FOLDER holds PROTEIN.txt of rna_transfer.py and mirna_clean_miRNA_no_duplicates.txt (399 microRNAs, public).
As in DeepMiRBP (doi:10.1186/s12859-024-05985-2) a network learns bound or not from windows of six proteins
together, its last layer is taken off, and proteins are ranked by the mean cosine (or --how) of their bound
windows to a query. Windows that share 25 letters stay together, so that no query overlaps what was learnt
from or what stands for a protein.

A window in several files counts for the first protein.

Two rankings. Of bound windows whose protein is known, 60 a protein: mean reciprocal rank and the share ranked
first, with 95 % intervals, by the trained network, the same network with random weights, and shares of 3-mers
and of single letters, each beside chance; of all queries, and of those of the held-out protein alone, which
mean little unless the last column is small: how many queries of other proteins rank it first. And of the
microRNAs, for which there is no truth here: printed is only how often each protein comes first, and how far
the similarities spread.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.evidence import compare
from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.retrieval import embed, mean_reciprocal_rank, rank, top_k, true_ranks
from medgraft.methods.retrieval.rank import HOW
from medgraft.sources import Pretrained
from medgraft.sources.arrays import SequenceReading
from rna_transfer import windows

PROTEINS = ["AGO1", "AGO2", "NIP7", "SBDS", "SERBP1", "SLBP", "WDR3"]
TEACH, KNOWN, QUERIES = 600, 200, 60  # windows a protein: both classes; bound; bound
CONTROL = "3-mers"


def parts(table: pd.DataFrame, held_out: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return windows to learn from, those that stand for the proteins, and queries; no region is in two."""
    rng = np.random.default_rng(0)
    share = rng.random(table["region"].max() + 1)[table["region"]]
    bound = table["bound"] == "yes"
    teach = table[(share < 0.5) & (table["protein"] != held_out)]
    known, queries = table[bound & (share > 0.5) & (share < 0.9)], table[bound & (share > 0.9)]

    def some(part: pd.DataFrame, count: int) -> pd.DataFrame:
        return part.groupby("protein").sample(count, random_state=0).reset_index(drop=True)

    return some(teach, TEACH), some(known, KNOWN), some(queries, QUERIES)


def line(which: str, name: str, ranks: pd.Series, control: pd.Series | None) -> str:
    """Say how high the truth is ranked, and the difference of the reciprocal ranks from the control's.

    The index of `ranks` is the region of each query: those of one region are drawn together.
    """
    r, group = ranks.to_numpy(), ranks.index.to_numpy()
    m, t = mean_reciprocal_rank(r, group=group), top_k(r, group=group)
    said = (
        f"{which:9} {name:16} {m.value:.3f} [{m.lo:.3f}, {m.hi:.3f}]   {t.value:.3f} [{t.lo:.3f}, {t.hi:.3f}]"
    )
    if control is not None:
        c = compare("mae", np.ones(len(r)), 1 / r, 1 / control.to_numpy(), group=group)  # 1 - reciprocal rank
        said += f"   {-c.difference:+.3f} [{-c.hi:+.3f}, {-c.lo:+.3f}] {c.verdict}"
    return said


def main() -> None:
    """Train, rank what is known, rank the microRNAs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--held-out", default="SBDS", choices=PROTEINS)
    parser.add_argument("--network", default="bilstm_attention")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--how", default="mean", choices=HOW)
    given = parser.parse_args()
    teach, known, queries = parts(windows(given.folder, PROTEINS), given.held_out)

    source = Pretrained(f"medgraft:{given.network}", array=SequenceReading(101))
    began = time.process_time()
    X = teach[["seq"]].set_axis(["sequence"], axis=1)
    fitted = Scratch(source, epochs=given.epochs, device="cpu").fit(X, teach["bound"].to_numpy())
    spent = time.process_time() - began
    print(f"{given.network}: {len(teach)} windows, {given.epochs} epochs, {spent:.0f} s CPU", flush=True)
    ways: dict[str, Any] = {
        CONTROL: "kmers",
        "single letters": "kmers:k=1",
        "random weights": source.load(pretrained=False),
        "trained": fitted,
    }

    K = len(PROTEINS)
    chance = sum(1 / r for r in range(1, K + 1)) / K
    print(f"\nwindows whose protein is known, ranked among {K} (by chance: {chance:.3f} and {1 / K:.3f})")
    print("queries   by               reciprocal rank         ranked first            less 3-mers")
    held, control, spread = (queries["protein"] == given.held_out).to_numpy(), None, {}
    micro = pd.read_csv(given.folder / "mirna_clean_miRNA_no_duplicates.txt", sep="\t")["sequence"].tolist()
    for name, by in ways.items():
        Z = embed(by, list(known["seq"]))
        candidates = {protein: Z[known["protein"] == protein] for protein in PROTEINS}
        ranked = rank(embed(by, list(queries["seq"])), candidates, given.how)
        ranks = pd.Series(true_ranks(ranked, list(queries["protein"])), queries["region"])
        first = ranked[ranked["rank"] == 1].set_index("query")["candidate"]
        wrongly = (first[first.index.isin(np.flatnonzero(~held))] == given.held_out).sum() / (~held).sum()
        print(line("all", name, ranks, control))
        one = line(given.held_out, name, ranks[held], None if control is None else control[held])
        print(f"{one}   ({wrongly:.3f} of the others)", flush=True)
        control = ranks if name == CONTROL else control
        spread[name] = rank(embed(by, micro), candidates, given.how)

    print(f"\n{len(micro)} microRNAs: how often each protein comes first. There is no truth here.")
    print("by              " + "".join(f"{p:>8}" for p in PROTEINS) + "   first less last, mean")
    for name, ranked in spread.items():
        first = ranked[ranked["rank"] == 1]["candidate"].value_counts()
        ends = ranked.groupby("query")["similarity"].agg(np.ptp).mean()
        print(f"{name:16}" + "".join(f"{first.get(p, 0):8}" for p in PROTEINS) + f"   {ends:.3f}")


if __name__ == "__main__":
    main()
