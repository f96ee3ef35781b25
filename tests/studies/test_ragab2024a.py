"""[50]: fireflies tune the network, an LSTM autoencoder reads it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.cohort import read
from medgraft.methods.learners.ae_lstm import AutoencoderLSTMLearner
from medgraft.methods.tuning.ranges import read_range
from medgraft.search import Space, searches
from medgraft.studies import studies
from medgraft.studies.kit.found import find
from medgraft.studies.kit.merged import given, merged
from medgraft.studies.kit.run import Run
from medgraft.studies.ragab2024a import LEVELS, WORDS
from planned import planned


def test_patients_are_on_both_sides_as_published_alone(tmp_path, monkeypatch):
    honest, published = (
        planned("ragab2024a", _new(tmp_path, p), monkeypatch, p)[0] for p in ("honest", "as_published")
    )
    assert honest.on_both_sides("original") == 0
    assert published.on_both_sides("original") > 0


@pytest.mark.slow
def test_settings_are_what_fireflies_try_and_the_reader_reconstructs_features_of_a_changed_network(
    tmp_path, monkeypatch
):
    plan = planned("ragab2024a", tmp_path, monkeypatch)[0]
    c = plan.cohort
    tuned = plan.estimator(plan.method)
    tuned.fit(c.X, c.y, groups=c.groups)
    assert tuned.search == "firefly"
    tried = tuned.report_["tried"]
    value = {tuple(row["settings"].values()): row["value"] for row in tried}
    space = Space({path: read_range(text) for path, text in tuned.space.items()})
    asked = {"budget": tuned.budget, "seed": tuned.random_state, "start": tried[0]["settings"]}
    again = searches["firefly"].minimise(lambda s: -value[tuple(s.values())], space, **asked)
    order = dict.fromkeys(tuple(settings.values()) for settings, _ in again.history)
    assert list(order) == [tuple(row["settings"].values()) for row in tried]
    assert tuned.report_["value"] == max(value.values())

    reader = tuned.best_.learner_
    assert isinstance(reader, AutoencoderLSTMLearner)
    net = reader._network(tuned.best_.mean_.shape[0], 2)
    with torch.no_grad():
        for weight, learnt in zip(net.parameters(), reader.tensors_, strict=True):
            weight.copy_(torch.from_numpy(learnt))
    F = (tuned.best_.featuriser_.transform(c.X) - tuned.best_.mean_) / tuned.best_.scale_
    with torch.no_grad():
        _, rebuilt = net(torch.from_numpy(F).float())
    assert ((rebuilt.numpy() - F) ** 2).mean() < 0.95 * (F**2).mean()  # nothing learnt would give 1 or more


def test_every_other_finding_of_the_real_collection_is_the_second_class(shared_data, tmp_path):
    s = studies["ragab2024a"]
    run = Run(s, find(s, [shared_data("covid_chestxray")], False, tmp_path, 0), tmp_path)
    real = merged(given(run, WORDS, LEVELS))
    raw = read(shared_data("covid_chestxray") / "metadata.csv", **_roles())
    said = raw.table["finding"].str.startswith("COVID-19").to_numpy()
    np.testing.assert_array_equal(real.y, said.astype(int))
    assert real.positive == "covid" and real.domain is None
    who = raw.table["patientid"].to_numpy()
    for patient in np.unique(who):
        assert len(np.unique(real.groups[who == patient])) == 1


def _roles():
    from medgraft.cohort.public import public_sets

    return public_sets["covid_chestxray"].roles


def _new(root, name):
    (root / name).mkdir()
    return root / name
