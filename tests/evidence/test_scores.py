import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence import Scores
from medgraft.evidence.metrics import metrics

Y, P = np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]]


def test_patients_of_any_name_are_numbered():
    scores = Scores.of(metrics["auroc"], Y, P, group=["b", "a", "b"], fold=[7, -1, 7])
    np.testing.assert_array_equal(scores.group, [1, 0, 1])
    np.testing.assert_array_equal(scores.fold, [1, 0, 1])
    assert scores.n_groups == 2


def test_a_patient_with_rows_of_two_classes_counts_in_both():
    scores = Scores.of(metrics["auroc"], Y, P, group=[0, 0, 1])
    np.testing.assert_array_equal(scores.patients_per_class(), [1, 2])


def test_labels_may_be_booleans_or_whole_floats():
    for y in (Y.astype(bool), Y.astype(float)):
        np.testing.assert_array_equal(Scores.of(metrics["accuracy"], y, P).y, Y)


@pytest.mark.parametrize(
    ("metric", "y", "p", "more", "says"),
    [
        ("auroc", Y, P[:2], {}, "a probability per class for each of 3 rows"),
        ("auroc", Y, P[:, 1], {}, "a probability per class"),
        ("auroc", Y + 1, P, {}, "class codes 0 to 1"),
        ("auroc", np.array(["a", "b", "b"]), P, {}, "class codes"),
        ("auroc", Y, np.full((3, 2), np.nan), {}, "3 of 3 predictions are not finite"),
        ("auroc", Y, P, {"group": [0, 1]}, "'group' has shape"),
        ("auroc", Y, P, {"repeat": [0, 0, 1]}, "need 'group'"),
        ("auroc", Y[:0], P[:0], {}, "no test rows"),
        ("mae", Y, P, {}, "one predicted value for each"),
        ("mae", np.array(["a", "b", "b"]), P[:, 0], {}, "needs numbers"),
        ("mae", np.array([1, np.nan, 2]), P[:, 0], {}, "one finite label"),
    ],
)
def test_arrays_that_do_not_fit_are_told_in_one_sentence(metric, y, p, more, says):
    with pytest.raises(MedgraftError, match=says):
        Scores.of(metrics[metric], y, p, **more)
