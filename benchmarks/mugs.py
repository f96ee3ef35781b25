"""Embeddings of codes: does a general hospital help a children's hospital, and does a wrong one harm it?

    nice -n 10 python benchmarks/mugs.py [SEEDS]

Generated hospitals (`medgraft.cohort.generate.codes`): the target has noisier matrices and rare codes; some
codes stand at one site only, some mean something else there. All arms see the same matrices; those of MUGS
know the groups of codes, too, so that MUGS on the target alone is the control that tells what transfer adds.
"Shuffled" is a hospital whose rows' names were permuted: it knows nothing of use, and looks as if it did.

The AUC of pairs across groups is the honest one: pairs within a group are given away by the groups.
Margin, set after a look at two seeds: a shuffled hospital may cost at most 0.03 of that AUC.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd
from scipy.stats import t as student

from medgraft.cohort.generate.codes import Codes, codes
from medgraft.methods.records import MUGS, pair_auc
from medgraft.methods.records.baselines import averaged_embedding, pooled_embedding

D = 8
HERE = "children"
SETTINGS = {
    "default: 10 % of shared codes differ, target noise 1": {"noise": (0.3, 0.3, 1.0)},
    "clearer target (noise 0.5), 40 % of shared codes differ": {
        "different": 0.4,
        "noise": (0.3, 0.3, 0.5),
        "rarity": 2.0,
    },
}
MARGIN = 0.03


def shuffled(S: pd.DataFrame, seed: int) -> pd.DataFrame:
    names = S.index[np.random.default_rng([seed, 11]).permutation(len(S))]
    return pd.DataFrame(S.to_numpy(), index=names, columns=names)


def arms(made: Codes, seed: int) -> tuple[dict[str, pd.DataFrame], dict[str, MUGS]]:
    here, good = {HERE: made.matrices[HERE]}, {"general": made.matrices["general"]}
    wrong = {"other": shuffled(made.matrices["other"], seed)}
    fits = {
        "MUGS, target alone": MUGS(D).fit(here, made.groups, target=HERE),
        "MUGS": MUGS(D).fit(good | here, made.groups, target=HERE),
        "MUGS without site effects": MUGS(D, site_penalty=np.inf).fit(good | here, made.groups, target=HERE),
        "MUGS + shuffled third": MUGS(D).fit(good | wrong | here, made.groups, target=HERE),
        "MUGS, shuffled source": MUGS(D).fit(wrong | here, made.groups, target=HERE),
    }
    found = {
        "SVD, target alone": pooled_embedding(here, D),
        "SVD, pooled": pooled_embedding(good | here, D),
        "SVD, aligned mean": averaged_embedding(good | here, D, HERE),
        "SVD, pooled, shuffled source": pooled_embedding(wrong | here, D),
        **{name: m.embeddings_[HERE] for name, m in fits.items()},
    }
    # A guard: the shuffled source stays only if it foretells hidden entries of the target better.
    alone, with_it = fits["MUGS, target alone"], fits["MUGS, shuffled source"]
    keep = with_it.choice_["loss"].min() < alone.choice_["loss"].min()
    found["MUGS, shuffled source, guarded"] = (with_it if keep else alone).embeddings_[HERE]
    return found, fits


def judge(made: Codes, E: pd.DataFrame, seed: int) -> dict[str, float]:
    """AUC by type of pair, also of pairs with a code that differs; error of all inner products."""
    known = made.pairs(HERE)
    random = made.random_pairs(HERE, 4000, seed=seed)
    E = E.loc[made.embeddings[HERE].index]
    odd = known["type"].eq("related") & (known[["code", "other"]].isin(made.different).any(axis=1))
    odd_random = random[random.isin(made.different).any(axis=1)]
    auc = pair_auc(E, known, random, n_boot=2)
    G, T = E.to_numpy() @ E.to_numpy().T, made.embeddings[HERE].to_numpy()
    return {
        "related": auc["related"].value,
        "similar": auc["similar"].value,
        "related, differ": pair_auc(E, known[odd], odd_random, n_boot=2)["all"].value,
        "error": float(np.linalg.norm(G - T @ T.T) / np.linalg.norm(T @ T.T)),
    }


def group_error(made: Codes, m: MUGS) -> float:
    """Relative error of the inner products of group effects: rotations play no part."""
    B, T = (f.loc[made.group_effects.index].to_numpy() for f in (m.group_effects_, made.group_effects))
    return float(np.linalg.norm(B @ B.T - T @ T.T) / np.linalg.norm(T @ T.T))


def differing(made: Codes, m: MUGS) -> float:
    """AUC of the lengths of the target's site effects: do they tell the codes that differ?"""
    own = m.site_effects_[HERE]
    own = own.loc[own.index.isin(m.site_effects_["general"].index)]
    length, odd = np.linalg.norm(own, axis=1), own.index.isin(made.different)
    gap = length[odd][:, None] - length[~odd]
    return float((gap > 0).mean() + (gap == 0).mean() / 2)


def told(values: np.ndarray) -> str:
    """Mean and 95 % interval over seeds (Student's t)."""
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.3f} [{values.mean() - half:+.3f}, {values.mean() + half:+.3f}]"


def main(seeds: int) -> None:
    for title, setting in SETTINGS.items():
        rows, notes = [], []
        for seed in range(seeds):
            start = time.process_time()
            made = codes(d=D, sites=("general", "other", HERE), seed=seed, **setting)
            found, fits = arms(made, seed)
            rows += [{"arm": a, "seed": seed} | judge(made, E, seed) for a, E in found.items()]
            m = fits["MUGS"]
            notes.append(
                {
                    "CPU seconds": time.process_time() - start,
                    "error of group effects, target alone": group_error(made, fits["MUGS, target alone"]),
                    "error of group effects, MUGS": group_error(made, m),
                    "site effects chosen": float(np.isfinite(m.site_penalty_)),
                    "AUC of their lengths for codes that differ": differing(made, m),
                    "converged": float(all(f.converged_ for f in fits.values())),
                }
            )
        frame = pd.DataFrame(rows)
        print(f"\n{title}; {seeds} seeds\n")
        print(frame.groupby("arm", sort=False).mean().drop(columns="seed").round(3).to_string())
        wide = frame.pivot(index="seed", columns="arm", values="related")
        print("\nAUC of related pairs, paired difference and 95 % interval over seeds")
        for other in ("SVD, target alone", "SVD, pooled", "SVD, aligned mean", "MUGS, target alone"):
            print(f"  MUGS less {other:<24} {told((wide['MUGS'] - wide[other]).to_numpy())}")
        for name, less in (
            ("MUGS + shuffled third", "MUGS"),
            ("MUGS, shuffled source", "MUGS, target alone"),
            ("MUGS, shuffled source, guarded", "MUGS, target alone"),
            ("MUGS, shuffled source", "SVD, target alone"),
            ("SVD, pooled, shuffled source", "SVD, target alone"),
        ):
            print(f"  {name} less {less}: {told((wide[name] - wide[less]).to_numpy())} (margin -{MARGIN})")
        print(pd.DataFrame(notes).mean().round(3).to_string())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
