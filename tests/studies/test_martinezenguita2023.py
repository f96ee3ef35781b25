"""[55]: that the protein network chooses, that the source's labels do not teach, and how files are read."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.studies import martinezenguita2023 as recipe
from medgraft.studies.martinezenguita2023 import arm, genes_and_edges, methylclock, ranked, small
from medgraft.trial import Trial

RUN = SimpleNamespace(generated=True, seed=0, pick=lambda full, small: small)


def test_architectures_are_ranked_by_the_network_and_another_network_finds_no_module(tmp_path, monkeypatch):
    cohort = small(tmp_path, 0)
    found = ranked(RUN, cohort)
    order = [(-a.coherence.share, -a.coherence.z.mean()) for a in found]
    assert order == sorted(order) and found[0].coherence.share > 0.4
    genes, edges = genes_and_edges(RUN, list(cohort.features))
    mixed = dict(zip(genes, np.random.default_rng(5).permutation(genes), strict=True))
    other = [(mixed[a], mixed[b]) for a, b in edges]  # the same network, with the names dealt anew
    monkeypatch.setattr(recipe, "genes_and_edges", lambda run, columns: (genes, other))
    again = {(a.hidden, a.latent): a for a in ranked(RUN, cohort)}
    own = {(a.hidden, a.latent): a for a in found}
    assert {key: a.loss for key, a in own.items()} == {key: a.loss for key, a in again.items()}
    assert max(a.coherence.share for a in again.values()) < found[0].coherence.share


@pytest.mark.slow
def test_the_sources_ages_do_not_teach_but_its_rows_do(tmp_path):
    cohort = small(tmp_path, 0)
    here = np.flatnonzero(cohort.domains == "clinic")[:40]
    there = np.flatnonzero(cohort.domains == "compendium")[:120]
    spec = arm(None, "epochs=3,lr=0.01").replace("hidden=64,latent=16", "hidden=8,latent=3")

    def predicted(rows: np.ndarray, name: str, add: float) -> np.ndarray:
        chosen = cohort.select(np.r_[rows, here])
        age = chosen.table["age"] + add * (chosen.table["people"] == "compendium")
        own = mg.read(chosen.table.assign(age=age), label="age", domain="people", features=cohort.features)
        result = Trial(own, ["target-only", spec], target="clinic", folds=2).run(tmp_path / name)
        frame = result.predictions
        return frame.loc[frame["arm"] == spec].sort_values("row").filter(like="p").to_numpy(float, na_value=0)

    plain = predicted(there, "plain", 0.0)
    assert np.array_equal(plain, predicted(there, "older", 30.0))
    assert not np.allclose(plain[:, -1], predicted(there[::2], "fewer", 0.0)[:, -1], rtol=1e-6)


def bloods(folder):
    rng = np.random.default_rng(0)
    betas = pd.DataFrame(rng.random((30, 4)).round(4), columns=["cg1", "cg2", "cg3", "cg4"])
    betas.insert(0, "id", np.arange(100, 130))
    betas.to_csv(folder / "progress_betas.csv", index=False)
    told = pd.DataFrame({"id": np.arange(100, 130), "EGA": np.linspace(30, 42, 30)})
    told.iloc[::-1].to_csv(folder / "progress_samples.csv", index=False)  # in another order
    return betas, told


def test_bloods_get_their_own_weeks_and_two_thirds_of_them_are_the_source(tmp_path):
    betas, told = bloods(tmp_path)
    cohort = methylclock(tmp_path, seed=0)
    assert np.allclose(cohort.y, told["EGA"]) and np.allclose(cohort.X, betas.iloc[:, 1:])
    assert (cohort.domains == "compendium").sum() == 20


def test_genes_and_edges_are_read_from_files_beside_the_data_or_there_are_none(tmp_path):
    run = SimpleNamespace(generated=False, data=SimpleNamespace(folders={"methylclock": tmp_path}))
    assert genes_and_edges(run, ["cg1"]) is None
    pd.DataFrame({"probe": ["cg1", "cg2"], "gene": ["A", None]}).to_csv(tmp_path / "probes.csv", index=False)
    pd.DataFrame({"a": ["A"], "b": ["B"]}).to_csv(tmp_path / "interactome.csv", index=False)
    assert genes_and_edges(run, ["cg2", "cg1", "cg9"]) == (["", "A", ""], [("A", "B")])


def test_a_folder_without_the_bloods_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(MedgraftError, match=r"progress_betas\.csv"):
        methylclock(tmp_path, 0)
