"""[42] Embeddings learnt on what RNA-binding proteins bind rank proteins for microRNAs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort, generate, read
from medgraft.cohort.formats import load
from medgraft.cohort.public.layout import find
from medgraft.studies.kit import Fact, Published, Run, study
from medgraft.studies.kit.regions import regions
from medgraft.studies.kit.units import mean_gain, mean_score

METHOD, CONTROL = "trained network", "3-mers"
MICRO = "miRNA/clean_miRNA*.txt|mirna_clean_miRNA*.txt"
KEPT = 300  # windows of each protein and class, unless --limit says another number
PLAIN = "3-mers, logistic"


def small(folder: Path, seed: int) -> dict[str, Cohort]:
    """Return windows of four proteins, each with a motif of its own, and short microRNAs."""
    parts = []
    for k, motif in enumerate(("TTTTTTTTTTTTTT", "GGGGCGGGGGCGGG", "CACACACACACACA", "AAAAAGAAAAAGAA")):
        made = generate.sequences(
            folder / f"p{k}.txt", 160, length=41, motif=motif, classes=("0", "1"), file="text", seed=seed + k
        )
        parts.append(made.table[["sequence", "label"]].assign(file=f"protein{k}"))
    windows = read(pd.concat(parts, ignore_index=True), label="label", sequence="sequence")
    micro = windows.table["sequence"].iloc[::40].str[:22]
    return {
        "windows": windows,
        "micro": read(pd.DataFrame({"sequence": micro}), sequence="sequence", require_label=False),
    }


def read_windows(run: Run) -> tuple[pd.DataFrame, list[str]]:
    """Return one row a window (seq, bound, protein), of each protein at most so many, and microRNAs."""
    if run.generated:
        table = run.data.cohort("windows").table
        micro = run.data.cohort("micro").table["sequence"].tolist()
    else:
        folder = run.data.folders["rbp"]
        first = find(folder, "RBP-Data/AGO1*.fa|AGO1.txt")[0]
        files = [f for f in sorted(first.parent.glob(f"*{first.suffix}")) if f.stem[:1].isupper()]
        parts = [read(file).table.assign(file=file.name.split(".")[0]) for file in files]
        table = pd.concat(parts, ignore_index=True)
        found = find(folder, MICRO)
        micro = (
            load(found[0], run.note)[0]["sequence"].tolist() if found else []
        )  # of one class, so no cohort
    made = pd.DataFrame(
        {
            "seq": table["sequence"].str.upper().str.replace("U", "T"),
            "bound": table["label"].astype(str) == "1",
            "protein": table["file"],
        }
    ).drop_duplicates("seq")
    kept = made.sample(frac=1.0, random_state=run.seed).groupby(["protein", "bound"]).head(run.limit or KEPT)
    return kept.reset_index(drop=True), [text.upper().replace("U", "T") for text in micro]


def parts(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return windows to learn from (half), bound ones that stand for proteins, and those that are tested."""
    share = np.random.default_rng([seed, 42]).random(table["region"].max() + 1)[table["region"]]
    tested = table[share > 0.8].reset_index(drop=True)
    known = table[(share > 0.5) & (share <= 0.8) & table["bound"]].reset_index(drop=True)
    return table[share <= 0.5].reset_index(drop=True), known, tested


def trained(teach: pd.DataFrame, epochs: int) -> Any:
    """Return the network after so many passes, which has learnt bound or not of all proteins together."""
    from medgraft.methods.controls.scratch import Scratch
    from medgraft.sources import Pretrained
    from medgraft.sources.arrays import SequenceReading

    length = int(teach["seq"].str.len().max())
    source = Pretrained("medgraft:bilstm_attention", array=SequenceReading(length))
    X = pd.DataFrame({"sequence": teach["seq"]})
    return Scratch(source, epochs=epochs, validation=0, device="cpu").fit(X, teach["bound"].to_numpy())


def right(model: Any, tested: pd.DataFrame) -> np.ndarray:
    """Return 1 where bound or not is told rightly, else 0."""
    said = model.predict(pd.DataFrame({"sequence": tested["seq"]}))
    return np.asarray(said == tested["bound"].to_numpy(), dtype=float)


def by_words(teach: pd.DataFrame, tested: pd.DataFrame) -> np.ndarray:
    """Return the same of a logistic model on shares of 3-mers."""
    from medgraft.methods.learner import LogisticLearner
    from medgraft.methods.retrieval import embed

    Z = [embed("kmers", list(part["seq"])).astype(float) for part in (teach, tested)]
    mean, scale = Z[0].mean(axis=0), Z[0].std(axis=0) + 1e-9
    A, B = ((z - mean) / scale for z in Z)
    said = LogisticLearner().fit(A, teach["bound"].to_numpy().astype(int), groups=teach["region"]).predict(B)
    return np.asarray(said == tested["bound"].to_numpy().astype(int), dtype=float)


@study(
    ref=42,
    title="DeepMiRBP: a hybrid model for predicting microRNA-protein interactions based on transfer learning "
    "and cosine similarity",
    authors="Azizian et al.",
    venue="BMC Bioinformatics 25:381",
    year=2024,
    doi="10.1186/s12859-024-05985-2",
    modality="RNA sequences",
    task="rank proteins for a microRNA of which nothing is known",
    method="two-way LSTM with attention, learnt on proteins' windows; its embedding, and cosines",
    transfer=("feature", "zero-shot"),
    access="open, in the authors' repository",
    data=("rbp",),
    generated=small,
    facts=(
        Fact("Embeddings of RNA-binding windows are moved to microRNAs, and compared by cosine.", "read"),
        Fact("Case studies on known pairs of microRNA and protein.", "read"),
        Fact(
            "Windows of 101 letters, about half of them bound, of 156 proteins in one pool; nine in ten "
            "teach.",
            "code",
        ),
        Fact("3 x BiLSTM(512), attention, Adam 1e-4, 50 epochs.", "code"),
        Fact("At most 1,000 bound windows a protein; the mean cosine ranks proteins.", "code"),
        Fact(
            "Two layers of 64 and few epochs here, for the time it takes without a graphics card.", "proposed"
        ),
        Fact("Ranking is judged by windows whose protein is known.", "proposed"),
    ),
    published=(
        Published("bound or not, training windows", "accuracy", 0.874, "PubMed 39695955"),
        Published("bound or not, test windows", "accuracy", 0.854, "PubMed 39695955"),
    ),
    caveats=(
        "What microRNAs bind is not in the data: whatever the network, some protein comes first.",
        "With and without transfer are not compared in what could be read.",
        "The code numbers letters anew for each file, from an unordered set, so that embeddings of different "
        "files do not fit together; here letters have one code.",
        "The second stage, on proteins' profiles and contact maps, is not repeated.",
        "A window that several proteins bind is kept for the first of them alone.",
    ),
    leaks=(
        "windows that overlap are on both sides of the split",
        "the number of epochs is chosen by the windows that are tested",
    ),
)
def azizian2024(run: Run) -> None:
    """Do embeddings learnt on what proteins bind rank the right protein first?"""
    from medgraft.evidence import Interval
    from medgraft.methods.retrieval import embed, mean_reciprocal_rank, rank, true_ranks

    table, micro = read_windows(run)
    table["region"] = regions(table["seq"].tolist()) if run.honest else np.arange(len(table))
    teach, known, tested = parts(table, run.seed)
    most = run.pick(10, 8)
    nets = [trained(teach, epochs) for epochs in ([most] if run.honest else [most // 2, most])]
    net = max(nets, key=lambda each: right(each, tested).mean())
    queries = tested[tested["bound"]]
    ways: dict[str, Any] = {
        METHOD: net,
        CONTROL: "kmers",
        "single letters": "kmers:k=1",
        "random weights": net.source.load(pretrained=False),
    }
    proteins = sorted(known["protein"].unique())
    queries = queries[queries["protein"].isin(proteins)]
    scores, group = {}, queries["region"].to_numpy()
    for name, by in ways.items():
        Z = embed(by, list(known["seq"]))
        candidates = {protein: Z[known["protein"] == protein] for protein in proteins}
        ranked = rank(embed(by, list(queries["seq"])), candidates)
        scores[name] = true_ranks(ranked, list(queries["protein"]))
        if micro and name == METHOD:
            first = rank(embed(by, micro), candidates).query("rank == 1")["candidate"].value_counts()
            run.note(
                f"Of {len(micro)} microRNAs, {first.iloc[0]} have {first.index[0]} first: there is no truth."
            )
    run.record(
        "Which protein a bound window is of",
        "mean reciprocal rank",
        {name: mean_reciprocal_rank(ranks, group=group) for name, ranks in scores.items()},
        method=METHOD,
        control=CONTROL,
        difference=mean_gain(1 / scores[METHOD], 1 / scores[CONTROL], group=group),
        n=len(np.unique(group)),
        unit="regions" if run.honest else "windows",
    )
    run.record(
        "Which protein a bound window is of: trained, or random weights",
        "mean reciprocal rank",
        {name: mean_reciprocal_rank(scores[name], group=group) for name in (METHOD, "random weights")},
        method=METHOD,
        control="random weights",
        difference=mean_gain(1 / scores[METHOD], 1 / scores["random weights"], group=group),
        n=len(np.unique(group)),
        unit="regions" if run.honest else "windows",
    )
    chance = sum(1 / r for r in range(1, len(proteins) + 1)) / len(proteins)
    run.note(f"By chance the mean reciprocal rank among {len(proteins)} proteins is {chance:.3f}.")
    own, plain = right(net, tested), by_words(teach, tested)
    whose = tested["region"].to_numpy()
    values: dict[str, Interval] = {
        METHOD: mean_score(own, group=whose),
        PLAIN: mean_score(plain, group=whose),
    }
    run.record(
        "Bound or not",
        "accuracy",
        values,
        method=METHOD,
        control=PLAIN,
        difference=mean_gain(own, plain, group=whose),
        n=len(np.unique(whose)),
        unit="regions" if run.honest else "windows",
    )
