"""[33]: two sets that share images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medgraft.cohort.split import kfold_splits
from medgraft.studies import studies
from medgraft.studies.kit import leaks
from medgraft.studies.kit.found import find
from medgraft.studies.kit.merged import confounds, given, merged
from medgraft.studies.kit.run import Run
from medgraft.studies.mohan2024 import LEVELS, WORDS


@pytest.fixture
def whole(tmp_path):
    s = studies["mohan2024"]
    run = Run(s, find(s, (), True, tmp_path / "data", 0), tmp_path)
    return merged(given(run, WORDS, LEVELS))


def shared(cohort, splits):
    """Count test images whose very content also teaches."""
    content = cohort.content()
    return sum(np.isin(content[s.test], content[s.labelled]).sum() for s in splits)


def test_images_that_two_sets_share_stay_together_when_honest_and_leak_as_published(whole):
    together, content = replace(whole, domain=None), whole.content()
    assert len(np.unique(content)) < whole.n  # the sets do share images
    assert shared(whole, kfold_splits(together, folds=2, seed=0)) == 0
    assert shared(whole, kfold_splits(leaks.ungrouped(together), folds=2, seed=0)) > 0


def test_every_word_means_a_class_of_the_study():
    assert set(WORDS.values()) == set(LEVELS) and all(word == word.lower() for word in WORDS)


@pytest.mark.slow
def test_what_the_network_knew_is_what_helps(tmp_path):
    told = studies["mohan2024"].run(tmp_path, generated=True)
    first = told["experiments"][0]
    assert first["method"].startswith("finetune:") and first["control"].startswith("scratch:")
    assert told["verdict"] == "helps"  # the same network and loop without the weights would differ by nothing
    assert any(a["name"].startswith("scratch:source=plain_cnn") for a in first["arms"])


def test_the_real_sets_are_read_under_the_names_of_the_study(shared_data, tmp_path):
    s = studies["mohan2024"]
    data = [shared_data("covid_chestxray"), f"chest_xray_pneumonia={shared_data('cxr_pneumonia_kermany')}"]
    run = Run(s, find(s, data, False, tmp_path, 0), tmp_path, limit=60)
    real = merged(given(run, WORDS, LEVELS))
    assert real.classes == list(LEVELS) and set(real.domains) == {"covid_chestxray", "chest_xray_pneumonia"}
    assert (real.domains[real.y == 0] == "covid_chestxray").all()  # COVID-19 comes from one set alone
    assert len(np.unique(real.groups)) < real.n
    assert "predicts the label" in confounds(real)[0]
