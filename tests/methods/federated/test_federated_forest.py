"""Shipped forests: what travels, how many trees, and that the target predicts what the sites would."""

import numpy as np
import pandas as pd
import pytest

from medgraft.methods.federated.federated_forest import FederatedForest
from medgraft.methods.federated.forest_site import ForestSite, SideBySide, pack, unpack
from medgraft.methods.table import InputError, Table

rng = np.random.default_rng(0)


def patients(n=120, seed=0):
    r = np.random.default_rng(seed)
    X = pd.DataFrame(r.normal(size=(n, 3)), columns=["a", "b", "c"])
    X.loc[r.random(n) < 0.2, "b"] = np.nan
    X["sex"] = r.choice(["f", "m"], n)
    X["stage"] = r.choice(["I", "II", None], n)
    y = ((X["a"] + (X["sex"] == "m") + r.normal(size=n)) > 0.5).astype(int).to_numpy()
    return X, y


def site(X, y, name="north", **settings):
    n = len(y)
    return ForestSite(
        name, Table.of(X), y, np.ones(n), np.ones(n, dtype=bool), np.arange(n), classes=2, **settings
    )


MESSAGE = {"trees": np.array([20]), "leaf": np.array([5]), "seed": np.array([3])}


def test_a_shipped_forest_predicts_what_the_site_predicts():
    X, y = patients()
    north = site(X, y)
    encoder, trees, _ = north.grow(20, 5, 3)
    new, _ = patients(seed=9)
    new.loc[0, "stage"] = "IV"
    like = Table.of(new)
    there, read = unpack(north.answer("forest", MESSAGE), like, 2)
    expected = trees.predict_proba(encoder.transform(new))
    np.testing.assert_array_equal(read.predict_proba(there.transform(new)), expected)
    assert there.names_ == encoder.names_


def test_columns_side_by_side_are_those_of_each_encoder():
    X, y = patients()
    made = [site(X[:60], y[:60]).grow(2, 5, 0)[0], site(X[60:], y[60:]).grow(2, 5, 0)[0]]
    both = SideBySide(made)
    np.testing.assert_array_equal(both.transform(X)[:, both.offsets[1] :], made[1].transform(X))
    assert both.offsets == [0, made[0].n_out_]


def test_trees_are_dealt_by_labelled_patients_and_the_mean_is_over_all_trees():
    X, y = patients(200)
    names = np.repeat(["north", "south", "here"], [100, 60, 40])
    labelled = np.arange(200) < 180  # 20 of the target's
    m = FederatedForest(trees=90).fit(X, y, domain=names, target="here", labelled=labelled)
    assert m.report_["trees"] == {"here": 10, "north": 50, "south": 30}
    # Each site alone, with its own share of the trees, in the order of its own rows.
    new, _ = patients(seed=5)
    total = np.zeros(len(new))
    for s, count in m.report_["trees"].items():
        at = (names == s) & labelled
        alone = FederatedForest(trees=count).fit(X[at], y[at])
        if s == "here":  # its encoder also reads the rows without labels
            continue
        total += count * alone.predict_proba(new)[:, 1]
    target = m.learner_.predict_proba(m.encoder_.transform(new))[:, 1] * 90 - total
    assert (target > -1e-9).all() and (target < 10 + 1e-9).all()


def test_every_byte_is_in_the_log_and_the_targets_trees_do_not_travel():
    X, y = patients(150)
    names = np.repeat(["north", "south", "here"], 50)
    m = FederatedForest(trees=30).fit(X, y, domain=names, target="here")
    assert {e["site"] for e in m.log_} == {"north", "south"}
    assert m.rounds_ == 2 and m.bytes_ == sum(e["bytes"] for e in m.log_)
    sent = [e for e in m.log_ if e["question"] == "forest" and e["direction"] == "from"]
    for e in sent:
        nodes = e["arrays"]["left"][0]
        assert e["bytes"] >= nodes * (3 * 4 + 8 + 2 * 8)
        assert not any(nodes > 1 and shape == [50] for shape in e["arrays"].values())


def test_a_shipped_leaf_is_about_five_rows_or_more():
    X, y = patients(80)
    north = site(X, y)
    encoder, trees, _ = north.grow(20, 5, 0)
    leaf = trees.leaves(encoder.transform(X))
    assert min(np.bincount(leaf[:, t])[np.unique(leaf[:, t])].min() for t in range(20)) >= 5


def test_a_leaf_is_about_patients_and_not_about_the_rows_of_one():
    X, y = patients(80)
    units = np.repeat(np.arange(20), 4)
    north = ForestSite(
        "north", Table.of(X), y, np.ones(80), np.ones(80, dtype=bool), units, classes=2, seed=0
    )
    encoder, trees = unpack(north.answer("forest", MESSAGE), Table.of(X), 2)
    leaf = trees.leaves(encoder.transform(X))
    assert min(len(set(units[leaf[:, t] == n])) for t in range(20) for n in set(leaf[:, t])) >= 5


def test_words_and_numbers_that_one_patient_has_are_not_sent():
    X, y = patients(80)
    X["stage"] = X["stage"].fillna("I")
    X["sex"] = np.where(np.arange(80) < 8, "a name", X["sex"])  # eight rows of two patients
    X["seldom"] = np.where(np.arange(80) < 8, 1234.5 + np.arange(80), np.nan)
    units = np.repeat(np.arange(20), 4)
    ones = np.ones(80)
    north = ForestSite("north", Table.of(X), y, ones, ones > 0, units, classes=2, min_patients=3)
    sent = north.answer("forest", MESSAGE)
    assert sent["words 0"].tolist() == ["f", "m"]
    assert len(sent["mean"]) == 3 and all(
        np.abs(a).max() < 1000 for a in sent.values() if a.dtype.kind == "f"
    )
    assert unpack(sent, Table.of(X), 2)[0].names_[:3] == ["a", "b", "c"]


def test_small_sites_are_named_and_without_sources_it_is_a_forest_of_the_target():
    X, y = patients(104)
    names = np.repeat(["north", "tiny", "here"], [50, 4, 50])
    m = FederatedForest(trees=20).fit(X, y, domain=names, target="here")
    assert "tiny" in m.note_ and m.report_["left out"] == ["tiny"]
    alone = FederatedForest(trees=20).fit(X[54:], y[54:])
    assert alone.bytes_ == 0 and len(alone.learner_.roots) == 20


def test_pack_and_unpack_keep_three_classes_and_values():
    X, _ = patients()
    for k, y in ((3, rng.integers(0, 3, 120)), (0, rng.normal(size=120))):
        n = len(y)
        made = ForestSite(
            "s", Table.of(X), y, np.ones(n), np.ones(n, dtype=bool), np.arange(n), classes=k
        ).grow(5, 5, 0)
        there, trees = unpack(pack(*made[:2]), Table.of(X), k)
        np.testing.assert_array_equal(
            trees.predict(there.transform(X)), made[1].predict(made[0].transform(X))
        )


def test_settings_below_one_are_refused():
    with pytest.raises(InputError, match="1 or more"):
        FederatedForest(trees=0).fit(np.zeros((9, 1)), np.arange(9) % 2)
