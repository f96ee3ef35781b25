"""[52]: the second stage learns from probabilities of drivers held out, and from the signals that tell."""

from __future__ import annotations

import numpy as np

from medgraft.methods.learners.cnn1d import CNN1DLearner
from medgraft.methods.multimodal.cascade import Cascade
from medgraft.methods.prepare.mrmr import MRMR
from medgraft.studies.espinosalinas2024 import EMOTIONS, SIGNALS, TELLING, small


def _whole(cohort):
    return cohort.X.join(cohort.table[list(cohort.features)])


def _cascade(cohort, estimator, **settings):
    return Cascade(
        ["radiomics"], columns=SIGNALS, first="radiomics", estimator=estimator, inner_folds=5, **settings
    )


def test_every_driver_shows_every_emotion(tmp_path):
    cohort = small(tmp_path, 0)
    assert set(zip(cohort.groups, cohort.y.tolist(), strict=True)) == {
        (who, code) for who in np.unique(cohort.groups) for code in range(len(EMOTIONS))
    }


def test_selection_keeps_telling_signals_and_probabilities_of_faces(tmp_path):
    cohort = small(tmp_path, 0)
    chooser = MRMR(CNN1DLearner(epochs=1), features=6)
    model = _cascade(cohort, chooser).fit(_whole(cohort), cohort.y, groups=cohort.groups)
    names = np.array(model.names_)[model.learner_.columns_]
    assert not set(names) & set(SIGNALS[TELLING:])
    assert set(names) & set(SIGNALS[:TELLING])


def test_what_the_second_stage_is_told_of_a_face_comes_from_other_drivers(tmp_path):
    cohort = small(tmp_path, 0)
    cohort = cohort.select(cohort.groups < 5)  # a fold for each driver, whatever the labels
    who = cohort.groups == cohort.groups[0]
    # With the labels of one driver changed, what is said of that driver's faces in training must not change.
    other = cohort.y.copy()
    other[who] = (other[who] + 1) % len(EMOTIONS)
    said = {}
    for key, y in (("own", cohort.y), ("other", other)):
        kept = []
        model = _cascade(cohort, None)
        learn = model._learn
        model._learn = lambda frame, *rest, kept=kept, learn=learn: (kept.append(frame), learn(frame, *rest))
        model.fit(_whole(cohort), y, groups=cohort.groups)
        said[key] = kept[0].filter(like="forecast").to_numpy()
    assert np.allclose(said["own"][who], said["other"][who])
    assert not np.allclose(said["own"][~who], said["other"][~who])
