import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from medgraft.base import MedgraftError
from medgraft.evidence.decision import Nomogram

RANGES = {"age": (40, 80), "male": (0, 1), "haemoglobin": (8, 18)}
BETA = {"age": 0.05, "male": 0.4, "haemoglobin": -0.1}


def test_the_points_are_those_worked_out_by_hand():
    # Reach of the three: 2, 0.4 and 1; the strongest gets 100 points, so that a point is 0.02.
    n = Nomogram.of(BETA, RANGES, intercept=-2)
    assert n.unit == pytest.approx(0.02)
    np.testing.assert_allclose(
        n.points([[40, 0, 18], [80, 1, 8], [50, 1, 13]]), [[0, 0, 0], [100, 20, 50], [25, 20, 25]]
    )


def test_the_risk_is_exactly_the_models():
    rng = np.random.default_rng(0)
    X = rng.uniform([40, 0, 8], [80, 1, 18], size=(200, 3))
    y = rng.random(200) < 0.3
    model = LogisticRegression(C=10, max_iter=1000).fit(X, y)
    n = Nomogram.of(dict(zip(RANGES, model.coef_[0], strict=True)), RANGES, intercept=model.intercept_[0])
    np.testing.assert_allclose(n.risk(X), model.predict_proba(X)[:, 1], atol=1e-12)


def test_a_hazards_model_has_the_risk_of_its_baseline():
    n = Nomogram.of(BETA, RANGES, baseline_survival=0.99)
    x = np.array([60, 1, 12])
    want = 1 - 0.99 ** np.exp(0.05 * 60 + 0.4 - 1.2)
    assert n.risk(x[None])[0] == pytest.approx(want, abs=1e-12)


def test_other_units_of_a_variable_do_not_change_points_or_risk():
    a = Nomogram.of(BETA, RANGES, intercept=-2)
    b = Nomogram.of({**BETA, "haemoglobin": -0.01}, {**RANGES, "haemoglobin": (80, 180)}, intercept=-2)
    x = np.array([[55.0, 1, 12]])
    np.testing.assert_allclose(a.points(x), b.points(x * [1, 1, 10]))
    np.testing.assert_allclose(a.risk(x), b.risk(x * [1, 1, 10]))


def test_axes_and_table_tell_what_points_and_risk_do():
    n = Nomogram.of(BETA, RANGES, intercept=-2)
    scale = n.scale({"male": [0, 1]})
    assert len(scale) == 12
    assert scale[scale.variable == "haemoglobin"].points.tolist() == pytest.approx([50, 37.5, 25, 12.5, 0])
    table = n.table(18)
    assert table.points.tolist() == pytest.approx(np.arange(0, 171, 10))
    assert table.risk.iloc[0] == pytest.approx(n.risk([[40, 0, 18]])[0])
    assert table.risk.iloc[-1] == pytest.approx(n.risk([[80, 1, 8]])[0])
    json.dumps(n.to_dict(), allow_nan=False)


def test_a_value_beyond_the_axis_is_refused():
    with pytest.raises(MedgraftError, match="Row 1 has age = 81"):
        Nomogram.of(BETA, RANGES).risk([[80, 0, 9], [81, 0, 9]])
    with pytest.raises(MedgraftError, match="haemoglobin = nan"):
        Nomogram.of(BETA, RANGES).risk([[80, 0, np.nan]])
    with pytest.raises(MedgraftError, match="3 columns age, male, haemoglobin"):
        Nomogram.of(BETA, RANGES).points([[1, 2]])


@pytest.mark.parametrize(
    ("beta", "ranges", "more", "said"),
    [
        ({"age": 1}, {}, {}, "'age' has no range"),
        ({}, {}, {}, "no coefficient"),
        ({"age": 0}, RANGES, {}, "nothing to draw"),
        ({"age": 1}, {"age": (3, 3)}, {}, "range of 'age'"),
        ({"age": np.inf}, RANGES, {}, "finite"),
        ({"age": 1}, RANGES, {"baseline_survival": 1.0}, "baseline survival"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_sentence(beta, ranges, more, said):
    with pytest.raises(MedgraftError, match=said):
        Nomogram.of(beta, ranges, **more)
