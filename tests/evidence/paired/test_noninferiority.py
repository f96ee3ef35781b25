import json
import math

import pytest

from medgraft.base import MedgraftError
from medgraft.evidence import Comparison
from medgraft.evidence.paired import Difference, noninferiority


def difference(lo, hi, level=0.95):
    return Difference((lo + hi) / 2, lo, hi, 0.5, 0.01, 99, 100, level)


@pytest.mark.parametrize(
    ("lo", "hi", "verdict"),
    [  # the margin is 0.05; in the order of the figure of CONSORT
        (0.01, 0.09, "superior"),
        (-0.01, 0.03, "non-inferior"),
        (-0.04, -0.01, "non-inferior"),
        (-0.06, 0.02, "inconclusive"),
        (-0.09, 0.09, "inconclusive"),
        (-0.09, -0.01, "inconclusive"),
        (-0.09, -0.06, "inferior"),
        (0.0, 0.02, "non-inferior"),
        (-0.05, 0.02, "inconclusive"),  # an end on the border shows nothing
        (-0.09, -0.05, "inconclusive"),
    ],
)
def test_the_verdict_is_where_the_interval_lies(lo, hi, verdict):
    higher = noninferiority(difference(lo, hi), "auroc", 0.05)
    lower = noninferiority(difference(-hi, -lo), "mae", 0.05)  # where lower is better, all is mirrored
    assert higher.verdict == lower.verdict == verdict
    assert (higher.worst, higher.best) == (lower.worst, lower.best) == (lo, hi)


def test_worse_but_within_the_margin_is_said():
    assert "by less than the margin" in noninferiority(difference(-0.04, -0.01), "auroc", 0.05).note
    assert noninferiority(difference(-0.01, 0.03), "auroc", 0.05).note == ""


def test_each_end_of_a_95_percent_interval_is_a_bound_of_97_5_percent():
    assert noninferiority(difference(-0.01, 0.03), "auroc", 0.05).one_sided == 0.975
    assert noninferiority(difference(-0.01, 0.03, 0.9), "auroc", 0.05).one_sided == 0.95


def test_few_differing_patients_show_neither_superior_nor_inferior():
    for lo, hi, verdict in ((0.01, 0.03, "non-inferior"), (-0.3, -0.1, "inconclusive")):
        few = Comparison((lo + hi) / 2, lo, hi, "inconclusive", 100, n_differ=5)
        assert noninferiority(few, "auroc", 0.05).verdict == verdict
    many = Comparison(0.02, 0.01, 0.03, "helps", 100, n_differ=6)
    assert noninferiority(many, "auroc", 0.05).verdict == "superior"


def test_without_an_interval_nothing_is_shown():
    got = noninferiority(difference(math.nan, math.nan), "auroc", 0.05)
    assert got.verdict == "inconclusive"
    assert "no interval" in got.note
    json.dumps(got.to_dict(), allow_nan=False)


def test_a_margin_that_bears_no_loss_is_refused():
    for margin in (0, -0.1, math.nan, math.inf):
        with pytest.raises(MedgraftError, match="above 0"):
            noninferiority(difference(-0.01, 0.03), "auroc", margin)
