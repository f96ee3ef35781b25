import numpy as np
import pandas as pd

from medgraft.methods.controls.trend import Trend


def test_the_line_is_that_of_weighted_least_squares():
    rng = np.random.default_rng(0)
    t, y, w = rng.uniform(0, 100, 30), rng.normal(size=30), rng.uniform(0.5, 2, 30)
    X = pd.DataFrame({"noise": rng.normal(size=30), "day": t})
    m = Trend(task="regression", time="day").fit(X, y, sample_weight=w)
    A = np.column_stack([np.ones(30), t])
    a, b = np.linalg.solve(A.T @ (w[:, None] * A), A.T @ (w * y))
    new = pd.DataFrame({"noise": [0.0, 1.0], "day": [150.0, -3.0]})
    np.testing.assert_allclose(m.predict(new), a + b * new["day"], rtol=1e-9)


def test_no_source_row_and_no_other_column_touches_the_line():
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"day": np.arange(20.0), "x": rng.normal(size=20)})
    y = np.r_[np.arange(10.0), rng.normal(size=10)]
    site = ["t"] * 10 + ["s"] * 10
    m = Trend(task="regression", time="day").fit(X, y, domain=site, target="t")
    np.testing.assert_allclose(m.predict(X.assign(x=-5.0)), np.arange(20.0), atol=1e-9)


def test_classes_follow_the_time_too():
    m = Trend().fit(np.arange(40.0)[:, None], np.arange(40) >= 20)
    assert m.predict([[0.0], [39.0]]).tolist() == [False, True]


def test_a_single_time_gives_the_mean():
    m = Trend(task="regression").fit([[2.0], [2.0]], [1.0, 3.0])
    np.testing.assert_allclose(m.predict([[7.0]]), 2.0)
