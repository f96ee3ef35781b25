import numpy as np
import pandas as pd
import pytest

from medgraft.methods.controls.last_value import LastValue
from medgraft.methods.table import InputError


def test_the_last_value_of_the_target_is_predicted_and_no_source_is_read():
    X = pd.DataFrame({"voice": [9.0, 8.0, 7.0, 6.0], "day": [1.0, 5.0, 3.0, 99.0]})
    m = LastValue(task="regression", time="day").fit(
        X, [1.0, 5.0, 3.0, 1000.0], domain=["t", "t", "t", "s"], target="t"
    )
    assert m.predict(X).tolist() == [5.0] * 4


def test_rows_of_the_same_last_time_are_averaged_by_their_weights():
    m = LastValue(task="regression").fit([[1.0], [2.0], [2.0]], [0.0, 1.0, 4.0], sample_weight=[1, 2, 1])
    assert m.predict([[7.0]]).tolist() == [2.0]


def test_the_last_class_is_predicted_with_its_share():
    m = LastValue().fit([[1.0], [2.0], [2.0]], ["well", "ill", "ill"])
    assert m.predict_proba([[7.0]]).tolist() == [[1.0, 0.0]]
    assert m.predict([[7.0]]).tolist() == ["ill"]


def test_rows_without_a_time_are_not_the_last_ones():
    m = LastValue(task="regression").fit([[1.0], [np.nan]], [3.0, 9.0])
    assert m.predict([[7.0]]).tolist() == [3.0]


def test_an_unknown_column_of_times_is_named():
    with pytest.raises(InputError, match="'day'"):
        LastValue(task="regression", time="day").fit([[1.0], [2.0]], [3.0, 9.0])
