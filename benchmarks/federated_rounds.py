"""Federated methods on four hospitals' heart disease: rounds, bytes, accuracy, distance from the pooled fit.

    python benchmarks/federated_rounds.py FOLDER

FOLDER, protocol and intervals are those of heart_four_sites.py (FLamby's rows and columns). Each method is
fitted once for each hospital as target; rounds and bytes are those of the first, the choice of a penalty or
of sources included where a method makes one. "coef" is the largest difference of a coefficient from the
pooled optimum of the same objective, without any federation (the L2 fit at the same penalty, the L1 fit at
the same penalty for federated-lasso), "prob" that of a test row's probability; both are empty where a method
has another objective on purpose. By default a word or a column that fewer than five patients of a site have
is withheld there, so that the fit is not that of all rows; "all words" withholds nothing. Coefficients of a
word's levels, which add up to a constant, settle long after the probabilities have.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from heart_four_sites import SITES, chance, figures, load, split
from medgraft.methods import entries
from medgraft.methods.logistic import Problem, solve
from medgraft.methods.model.lasso import L1Problem, fit_l1

ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    "pooled": ("target-only", {}),
    "federated-newton": ("federated-newton", {}),
    "newton, all words": ("federated-newton", {"min_patients": 1}),
    "newton, penalty 1": ("federated-newton", {"penalty": 1.0}),
    "newton + centres": ("federated-newton", {"centre_effects": 5.0}),
    "federated-lasso": ("federated-lasso", {}),
    "fedavg, 1 step": ("fedavg", {"local_steps": 1, "rounds": 2000}),
    "fedavg, 5 steps": ("fedavg", {}),
    "fedavg, 20 steps": ("fedavg", {"local_steps": 20}),
    "fedprox, 20 steps": ("fedprox", {"local_steps": 20}),
    "fedadam": ("fedadam", {}),
    "fed-centre": ("fed-centre", {}),
    "fed-centre, shared": ("fed-centre", {"own_scale": False}),
    "trans-balance": ("trans-balance", {}),
}

SAME = ("federated-newton", "fedavg", "fedprox", "fedadam")  # the objective of the pooled L2 fit


def features(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=["ill", "site"])


def off(name: str, model: Any, train: pd.DataFrame, test: pd.DataFrame) -> str:
    """Largest difference of a coefficient, and of a probability, from the pooled optimum of the objective."""
    Z = model.encoder_.transform(features(train))
    y, ones = train["ill"].to_numpy(), np.ones(len(train))
    if name == "federated-lasso":
        best = fit_l1(L1Problem(Z, y, 2), ones, model.penalty_)
    elif name in SAME and not getattr(model, "centre_effects", 0):
        penalty = getattr(model, "penalty_", model.get_params().get("penalty"))
        best = solve(Problem(Z, y, 2), ones[None, :], penalty, tol=1e-20)[0]
    else:
        return ""
    coef = np.abs(np.column_stack([model.coef_, model.intercept_]) - best).max()
    eta = model.encoder_.transform(features(test)) @ best[0, :-1] + best[0, -1]
    return f"{coef:.1e}  {np.abs(expit(eta) - chance(model, features(test))).max():.1e}"


def show(title: str, table: pd.DataFrame) -> None:
    train, test = split(table)
    print(f"\n{title}: {len(train)} training rows, {len(test)} test rows, {table.shape[1] - 2} columns")
    print(f"{'arm':19s} rounds  in all       bytes  accuracy (mean of sites)   AUROC   ECE     coef     prob")
    for arm, (name, settings) in ARMS.items():
        models = {}
        for target in SITES:
            one = entries[name].cls(**settings)
            rows = {} if arm == "pooled" else {"domain": train["site"].to_numpy(), "target": target}
            models[target] = one.fit(features(train), train["ill"].to_numpy(), **rows)
        p = pd.concat([pd.Series(chance(models[s], features(t)), t.index) for s, t in test.groupby("site")])
        mean, low, high, auroc, error = figures(test, p[test.index])
        first = models[SITES[0]]
        report = getattr(first, "report_", {})
        sent = (
            f"{report['rounds']:6d}  {report['rounds in all']:6d}  {report['bytes']:10,d}"
            if report
            else 26 * " "
        )
        distance = off(name, first, train, test)
        line = f"{mean:.3f} [{low:.3f}, {high:.3f}]       {auroc:.3f}   {error:.3f}   {distance}"
        print(f"{arm:19s} {sent}  {line}", flush=True)
        for note in sorted({m.note_ for m in models.values() if m.note_}):
            print(f"    {note}")


def main() -> None:
    table = load(Path(sys.argv[1]))
    show("FLamby's rows and columns", table.drop(columns=["slope", "ca", "thal"]).dropna())
    show("All rows and columns", table)


if __name__ == "__main__":
    main()
