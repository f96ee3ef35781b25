"""[56]: whose windows teach, which have labels, and what following the user is worth."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.methods.streaming.gmm import StreamingGMM
from medgraft.methods.streaming.kmeans import StreamingKMeans
from medgraft.studies.roy2024 import CONTROL, METHOD, halves, of_user, small, streams

FROZEN = "population's clusters, unchanged"
MODELS = [StreamingGMM, partial(StreamingKMeans, per_class=1)]


def people(aside: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return five people's windows of two activities, the last person's `aside` of the others'."""
    rng = np.random.default_rng(0)
    y = np.tile(np.repeat(["still", "walking"], 40), 5)
    user = np.repeat(list("abcde"), 80)
    X = rng.normal(size=(400, 3)) + 4 * (y == "walking")[:, None] + aside * (user == "e")[:, None]
    return X, y, user


def test_the_first_half_of_each_activity_teaches_and_few_of_it_have_labels():
    y = np.array(["b", "a", "a", "b", "a", "a", "a", "b"])
    teach, told = halves(y, every=2)
    assert teach.tolist() == [True, True, True, False, False, False, False, False]  # 1 of 3 b, 2 of 5 a
    assert told.tolist() == [True, True, False, False, False, False, False, False]


def test_sitting_and_standing_are_one_class_and_stairs_are_none():
    names = ["Sitting", "Upstairs", "Standing", "Walking", "Downstairs", "Jogging"]
    table = pd.DataFrame({"x": range(6), "act": names, "user": 1})
    X, y, user = streams(mg.read(table, label="act", group="user", features=["x"]))
    assert X[:, 0].tolist() == [0, 2, 3, 5] and len(set(user)) == 1
    assert y.tolist() == ["still", "still", "walking", "jogging"]


@pytest.mark.parametrize("model", MODELS)
def test_following_a_user_who_is_unlike_the_others_beats_the_population_that_does_not_follow(model):
    X, y, user = people(aside=6.0)  # this person's stillness looks like others' walking
    found, size = of_user(model, X, y, user, "e", every=10)
    assert found[FROZEN] == 0.5 and found[METHOD] > 0.9
    assert size < 20_480


@pytest.mark.parametrize("model", MODELS)
def test_a_start_from_others_is_worth_something_where_the_user_labels_one_activity(model):
    X, y, user = people(aside=0.0)
    found, _ = of_user(model, X, y, user, "e", every=400)  # one label of each activity
    assert found[METHOD] > 0.9 and found[METHOD] >= found[CONTROL]


def test_the_population_never_learns_from_the_user_that_it_is_tested_on():
    X, y, user = people(aside=1.0)
    turned = y.copy()
    turned[user == "e"] = np.where(y[user == "e"] == "still", "walking", "still")
    one, two = (of_user(StreamingGMM, X, labels, user, "e", 10)[0] for labels in (y, turned))
    assert one[FROZEN] == pytest.approx(1 - two[FROZEN])  # same predictions, judged by turned labels
    assert one["population's logistic model"] == pytest.approx(1 - two["population's logistic model"])


def test_labels_of_windows_without_a_label_and_of_tested_ones_are_not_read():
    X, y, user = people(aside=2.0)
    mine = np.flatnonzero(user == "e")
    teach, told = halves(y[mine], 10)
    hidden = y.copy()
    hidden[mine[teach & ~told]] = "still"  # halves() counts activities, so give it the truth again
    model = StreamingGMM().fit(X[:320], y[:320], groups=user[:320])
    other = StreamingGMM.from_state(model.state())
    model.partial_fit(X[mine[teach]], y[mine[teach]], labelled=told[teach])
    other.partial_fit(X[mine[teach]], hidden[mine[teach]], labelled=told[teach])
    assert model.state() == other.state()


def test_too_few_users_are_refused_in_one_sentence(tmp_path):
    study = mg.studies["roy2024"]
    table = small(tmp_path, 0).table
    few = table[table["user"].isin([0, 1])]
    file = tmp_path / "WISDM_ar_v1.1_transformed.arff"
    names = [c for c in few.columns if c.startswith("x")]
    head = [f"@attribute {c} numeric" for c in names]
    acts = ",".join(sorted(set(few["act"])))
    head += ["@attribute user numeric", f"@attribute class {{{acts}}}"]
    rows = few[[*names, "user", "act"]].astype(str).agg(",".join, axis=1)
    file.write_text("\n".join(["@relation toy", *head, "@data", *rows]) + "\n")
    with pytest.raises(MedgraftError, match="Only 2 users"):
        study.run(tmp_path / "out", data=tmp_path)
