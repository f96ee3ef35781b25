from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.streaming.gmm import StreamingGMM
from medgraft.methods.streaming.kmeans import StreamingKMeans

ARRAYS = ("count_", "mean_", "mass_")


def same(a, b):
    return a.state() == b.state()


def test_the_population_is_means_of_three_people_or_more_worth_the_strength(make, people):
    X, y, groups = people[:3]
    m = make(per_class=2, strength=7.0).fit(X, y, groups=groups)
    assert m.count_.sum() == pytest.approx(7 * len(m.count_))
    np.testing.assert_allclose(m.mass_.sum(axis=1), m.count_)
    Z = m.projection_.apply(X)
    for c, name in enumerate(m.classes_):  # the clusters of a class have its mean and its share
        mine = m.mass_.argmax(axis=1) == c
        np.testing.assert_allclose(
            m.count_[mine] @ m.mean_[mine] / m.count_[mine].sum(), Z[y == name].mean(axis=0)
        )
        assert m.count_[mine].sum() / m.count_.sum() == pytest.approx((y == name).mean())


def test_two_people_far_from_all_others_are_no_cluster_of_their_own():
    y = np.tile(["a", "b"], 40)
    groups = np.repeat(np.arange(8), 10)
    X = np.random.default_rng(0).normal(size=(80, 1)) + 3 * (y == "b")[:, None]
    X[groups < 2] += 30
    m = StreamingKMeans(per_class=3).fit(X, y, groups=groups)
    far = m.projection_.apply(X[groups < 2])
    assert np.abs(m.mean_ - far.mean()).min() > 2 * far.std()


def test_windows_at_once_are_windows_one_by_one(make, people):
    X, y, groups, new, truth = people
    at_once = make().fit(X, y, groups=groups)
    one_by_one = type(at_once).from_state(at_once.state())
    told = np.arange(60) % 3 == 0
    at_once.partial_fit(new, truth, labelled=told)
    for t in range(60):
        one_by_one.partial_fit(new[t : t + 1], truth[t : t + 1] if told[t] else None)
    assert same(at_once, one_by_one)


def test_a_label_that_is_not_told_changes_nothing(make, people):
    X, y, groups, new, truth = people
    told = np.arange(60) % 3 == 0
    other = truth.astype(object)
    other[~told] = None
    a, b = (
        make().fit(X, y, groups=groups).partial_fit(new, labels, labelled=told) for labels in (truth, other)
    )
    assert same(a, b)


def test_going_on_after_saving_is_never_having_saved(make, people):
    X, y, groups, new, truth = people
    m = make(forget=0.05).fit(X, y, groups=groups)
    for t in range(0, 60, 7):
        saved = type(m).from_state(m.state())
        for model in (m, saved):
            model.partial_fit(
                new[t : t + 7], truth[t : t + 7], labelled=np.arange(len(new[t : t + 7])) % 2 == 0
            )
        assert same(m, saved)
        np.testing.assert_array_equal(m.predict_proba(new), saved.predict_proba(new))
        assert {k: v for k, v in vars(saved).items() if not k.endswith("_")} == {
            k: v for k, v in vars(m).items() if not k.endswith("_")
        }


def test_numbers_of_clusters_mean_nothing(make, people):
    X, y, groups, new, truth = people
    m = make().fit(X, y, groups=groups)
    turned = type(m).from_state(m.state())
    order = np.random.default_rng(1).permutation(len(m.count_))
    for name in (*ARRAYS, *(["spread_"] if getattr(m, "covariance", "") == "diagonal" else [])):
        setattr(turned, name, getattr(turned, name)[order])
    told = np.arange(60) % 2 == 0
    for model in (m, turned):
        model.partial_fit(new, truth, labelled=told)
    np.testing.assert_allclose(m.predict_proba(new), turned.predict_proba(new), atol=1e-12)


def test_names_of_classes_mean_nothing(make, people):
    X, y, groups, new, truth = people
    names = {"lie": "z", "run": "longer name", "sit": "b"}
    told = np.arange(60) % 2 == 0
    m = make(per_class=1).fit(X, y, groups=groups).partial_fit(new, truth, labelled=told)
    y2, truth2 = (np.array([names[c] for c in v]) for v in (y, truth))
    m2 = make(per_class=1).fit(X, y2, groups=groups).partial_fit(new, truth2, labelled=told)
    place = [list(m2.classes_).index(names[c]) for c in m.classes_]
    np.testing.assert_allclose(m.predict_proba(new), m2.predict_proba(new)[:, place], atol=1e-9)


def test_the_order_of_the_populations_rows_means_nothing(make, people):
    X, y, groups, new, _ = people
    order = np.random.default_rng(0).permutation(len(X))
    a = make(per_class=1).fit(X, y, groups=groups)
    b = make(per_class=1).fit(X[order], y[order], groups=groups[order])
    np.testing.assert_allclose(a.predict_proba(new), b.predict_proba(new), atol=1e-9)


def test_the_saved_file_keeps_to_the_budget_however_much_surprises(make, people, tmp_path):
    X, y, groups = people[:3]
    budget = make().fit(X, y, groups=groups).state_bytes() + 700
    m = make(budget=budget).fit(X, y, groups=groups)
    rng = np.random.default_rng(0)
    largest, counts = 0, set()
    for x, label in zip(rng.normal(size=(150, 5)) * 4, rng.choice(m.classes_, 150), strict=True):
        m.partial_fit([x], [label])
        (tmp_path / "state").write_bytes(m.state())
        size = (tmp_path / "state").stat().st_size
        assert size == m.state_bytes() <= budget
        largest, counts = max(largest, size), counts | {len(m.count_)}
    assert largest > budget - 300 and max(counts) > 9  # the budget was used, and it was what bound


def test_merging_for_the_budget_loses_no_window_and_no_label(people):
    X, y, groups, new, truth = people
    small = StreamingKMeans(per_class=1).fit(X, y, groups=groups)
    small.budget = small.state_bytes() + 200
    before = small.count_.sum()
    small.partial_fit(new, truth)
    assert small.count_.sum() == pytest.approx(before + 60)
    assert small.mass_.sum() == pytest.approx(before + 60)
    assert set(small.mass_.argmax(axis=1)) == {0, 1, 2}  # clusters of one class went together


def test_the_pair_that_merges_is_wards():
    m = StreamingKMeans()
    m.count_, m.mean_ = np.array([10.0, 10.0, 1.0, 1.0]), np.array([[0.0], [1.0], [6.0], [7.5]])
    m.mass_ = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    # 0-1: 100/20 * 1 = 5; 1-2: 10/11 * 25; 2-3: 1/2 * 2.25 is the least, but of two classes.
    assert m._nearest_pair() == (0, 1)
    m.mass_[3] = [1, 0]
    assert m._nearest_pair() == (2, 3)


def test_a_model_from_scratch_learns_its_classes_from_the_stream(make):
    rng = np.random.default_rng(0)
    truth = np.tile(["walk", "sit"], 30)
    X = rng.normal(size=(60, 2)) + 20 * (truth == "walk")[:, None]
    m = make().blank(X)
    assert len(m.classes_) == 0
    with pytest.raises(MedgraftError, match="no label yet"):
        m.predict(X)
    m.partial_fit(X[:5])  # says nothing yet
    m.partial_fit(X[:2], truth[:2])
    assert m.classes_.tolist() == ["sit", "walk"]
    m.partial_fit(X[2:])
    assert (m.predict(X) == truth).all()
    assert type(m).from_state(make().blank(X).state()).partial_fit(X[:1], ["a"]).predict(X[:1]).tolist() == [
        "a"
    ]


def test_a_class_that_the_population_lacks_is_learnt(make, people):
    X, y, groups, new, _ = people
    m = make().fit(X, y, groups=groups)
    before = m.predict_proba(new)
    m.partial_fit(new[:1] + 50, ["fall"])
    np.testing.assert_allclose(m.predict_proba(new)[:, 1:], before, atol=0.05)  # the others keep their places
    assert m.classes_.tolist() == ["fall", "lie", "run", "sit"]
    assert m.predict(new[:1] + 50).tolist() == ["fall"]
    assert m.mass_.shape == (len(m.count_), 4)


def test_inputs_and_the_global_random_state_are_left_alone(make, people):
    X, y, groups, new, truth = people
    kept = [a.copy() for a in (X, y, groups, new, truth)]
    state = np.random.get_state()[1].copy()
    make().fit(X, y, groups=groups).partial_fit(new, truth).predict(new)
    for a, b in zip(kept, (X, y, groups, new, truth), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(state, np.random.get_state()[1])


def test_what_cannot_be_is_refused_in_one_sentence(people):
    X, y, groups, new, truth = people
    for settings, what in (
        ({"per_class": 0}, "per_class"),
        ({"strength": 0}, "strength"),
        ({"unlabelled": 2}, "unlabelled"),
        ({"forget": 1}, "forget"),
    ):
        with pytest.raises(MedgraftError, match=what):
            StreamingKMeans(**settings)
    with pytest.raises(MedgraftError, match="covariance"):
        StreamingGMM(covariance="full")
    with pytest.raises(MedgraftError, match="budget is 300"):
        StreamingKMeans(budget=300).fit(X, y, groups=groups)
    with pytest.raises(MedgraftError, match="one entry a window"):
        StreamingKMeans().fit(X, y[:-1], groups=groups)
    with pytest.raises(MedgraftError, match="not started"):
        StreamingKMeans().partial_fit(new)
    m = StreamingKMeans().fit(X, y, groups=groups)
    with pytest.raises(MedgraftError, match="60 windows"):
        m.partial_fit(new, truth[:3])
    with pytest.raises(MedgraftError, match="y is missing"):
        m.partial_fit(new, labelled=np.ones(60, bool))
    with pytest.raises(MedgraftError, match="another kind"):
        m.partial_fit(new[:1], [3])
    with pytest.raises(MedgraftError, match="StreamingGMM"):
        StreamingGMM.from_state(m.state())
    with pytest.raises(MedgraftError, match="not one that a streaming model saved"):
        StreamingKMeans.from_state(b"junk")
