"""Four hospitals' heart disease: each alone, pooled, and with a term for each hospital.

    python benchmarks/heart_four_sites.py FOLDER

FOLDER holds UCI's processed.*.data (doi:10.24432/C52P4X). The protocol is FLamby's (du Terrail et al. 2022,
arXiv:2210.04620): columns slope, ca and thal dropped, rows with gaps dropped, 34 % of each site's rows tested
drawn with seed 43, stratified (Switzerland has one healthy patient there and cannot be). FLamby's own
figures, mean of the sites' accuracies, are .730 (each alone) and .735 (pooled). The second table keeps all
rows and columns, gaps included. Intervals: 2000 resamples of the test rows within each site; a figure is of
one split, so they do not hold the chance of another. AUROC: mean over the sites that test both classes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from medgraft.evidence import ece

SITES = ("cleveland", "hungarian", "switzerland", "va")
COLUMNS = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak"]
COLUMNS += ["slope", "ca", "thal", "num"]
WORDS = ["sex", "cp", "fbs", "restecg", "exang", "slope", "thal"]


def load(folder: Path) -> pd.DataFrame:
    frames = [
        pd.read_csv(folder / f"processed.{s}.data", header=None, names=COLUMNS, na_values="?").assign(site=s)
        for s in SITES
    ]
    table = pd.concat(frames, ignore_index=True)
    for column in WORDS:
        table[column] = table[column].map(lambda v: None if pd.isna(v) else f"{v:g}").astype(object)
    return table.assign(ill=(table.pop("num") > 0).astype(int))


def split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    parts = [
        train_test_split(
            t,
            test_size=0.34,
            random_state=43,
            stratify=t["ill"] if t["ill"].value_counts().min() > 1 else None,
        )
        for _, t in table.groupby("site", sort=False)
    ]
    return pd.concat([a for a, _ in parts]), pd.concat([b for _, b in parts])


Fitted = Callable[[pd.DataFrame, str], Any]


def chance(model: Any, X: pd.DataFrame) -> Any:
    """Probability of disease; a site without a healthy patient in training knows one class only."""
    return model.predict_proba(X)[:, list(model.classes_).index(1)]


def arms() -> dict[str, Callable[[pd.DataFrame], Fitted]]:
    """Arm name -> fit(train) -> predict(rows of one site, site) -> probability of disease."""
    from medgraft.methods import entries

    def features(t: pd.DataFrame) -> pd.DataFrame:
        return t.drop(columns=["ill", "site"])

    def own(train: pd.DataFrame) -> Fitted:
        models = {
            s: entries["target-only"].cls().fit(features(t), t["ill"].to_numpy())
            for s, t in train.groupby("site")
        }
        return lambda rows, s: chance(models[s], features(rows))

    def pooled(train: pd.DataFrame) -> Fitted:
        model = entries["target-only"].cls().fit(features(train), train["ill"].to_numpy())
        return lambda rows, s: chance(model, features(rows))

    def forest(train: pd.DataFrame) -> Fitted:
        learner = RandomForestClassifier(500, min_samples_leaf=3, random_state=0)
        model = entries["target-only"].cls(estimator=learner).fit(features(train), train["ill"].to_numpy())
        return lambda rows, s: chance(model, features(rows))

    def by_method(name: str, **settings: Any) -> Callable[[pd.DataFrame], Fitted]:
        def fit(train: pd.DataFrame) -> Fitted:
            models = {
                s: entries[name]
                .cls(**settings)
                .fit(
                    features(train),
                    train["ill"].to_numpy(),
                    domain=train["site"].to_numpy(),
                    target=s,
                )
                for s in SITES
            }
            if name == "federated-newton":
                model = models[SITES[0]]
                print(f"  ({model.rounds_} rounds; {model.bytes_:,} bytes with the choice of the penalty)")
            if name in ("federated-forest", "ftrf"):
                each = ", ".join(f"{s} {m.bytes_:,}" for s, m in models.items())
                print(f"  ({models[SITES[0]].rounds_} rounds; bytes to arrive at {each})")
            return lambda rows, s: chance(models[s], features(rows))

        return fit

    known = {n: by_method(n) for n in ("site-effects", "l2sp", "trans-glm", "coral")}
    shared = {
        "federated": by_method("federated-newton"),
        "fed. + centres": by_method("federated-newton", centre_effects=5.0),
    }
    forests = {
        "shipped forest": by_method("federated-forest", trees=500, leaf=3),
        "ftrf": by_method("ftrf", trees=200, leaf=3),
    }
    return {"each alone": own, "pooled": pooled, **known, **shared, "pooled forest": forest, **forests}


def figures(test: pd.DataFrame, p: pd.Series) -> tuple[float, ...]:
    y, site = test["ill"].to_numpy(), test["site"].to_numpy()
    right = (p.to_numpy() > 0.5) == y
    draws = np.zeros(2000)
    rng = np.random.default_rng(0)
    for s in SITES:
        r = right[site == s]
        draws += r[rng.integers(len(r), size=(2000, len(r)))].mean(axis=1) / len(SITES)
    mean = float(np.mean([right[site == s].mean() for s in SITES]))
    low, high = np.quantile(draws, [0.025, 0.975])
    both = [s for s in SITES if 0 < y[site == s].mean() < 1]
    auroc = float(np.mean([roc_auc_score(y[site == s], p[site == s]) for s in both]))
    return mean, float(low), float(high), auroc, float(ece(y, np.column_stack([1 - p, p])))


def beside_pooled(test: pd.DataFrame, p: pd.Series, pooled: pd.Series) -> str:
    """Accuracy less the pooled forest's, mean of sites, on the same resampled test rows."""
    y, site = test["ill"].to_numpy(), test["site"].to_numpy()
    gain = ((p.to_numpy() > 0.5) == y).astype(float) - ((pooled.to_numpy() > 0.5) == y)
    draws = np.zeros(2000)
    rng = np.random.default_rng(0)
    for s in SITES:
        g = gain[site == s]
        draws += g[rng.integers(len(g), size=(2000, len(g)))].mean(axis=1) / len(SITES)
    mean = float(np.mean([gain[site == s].mean() for s in SITES]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def show(title: str, table: pd.DataFrame) -> None:
    train, test = split(table)
    print(f"\n{title}: {len(train)} training rows, {len(test)} test rows, {table.shape[1] - 2} columns")
    print(f"{'arm':16s} accuracy (mean of sites)   AUROC   ECE   by site: {' '.join(SITES)}")
    seen: dict[str, pd.Series] = {}
    for name, fit in arms().items():
        predict = fit(train)
        p = pd.concat([pd.Series(predict(t, s), t.index) for s, t in test.groupby("site")])[test.index]
        seen[name] = p
        mean, low, high, auroc, error = figures(test, p)
        right = (p > 0.5) == test["ill"]
        by_site = "  ".join(f"{right[test['site'] == s].mean():.3f}" for s in SITES)
        print(f"{name:16s} {mean:.3f} [{low:.3f}, {high:.3f}]    {auroc:.3f}   {error:.3f}   {by_site}")

    for name in ("shipped forest", "ftrf"):
        print(f"{name} less pooled forest: {beside_pooled(test, seen[name], seen['pooled forest'])}")


def main() -> None:
    table = load(Path(sys.argv[1]))
    show("FLamby's rows and columns", table.drop(columns=["slope", "ca", "thal"]).dropna())
    show("All rows and columns", table)


if __name__ == "__main__":
    main()
