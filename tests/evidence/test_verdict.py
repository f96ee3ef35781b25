import math

import pytest

from medgraft.evidence import Comparison, sentence


def test_a_help_reads_as_a_clinician_would_say_it():
    c = Comparison(0.041, 0.012, 0.071, "helps", 200)
    assert sentence("l2sp", c, "auroc", 200, control="target-only") == (
        "l2sp helps: AUROC is 0.041 higher than target-only (95 % interval 0.012 to 0.071, 200 patients)."
    )


def test_a_lower_error_is_a_help_and_the_interval_is_in_the_same_direction():
    c = Comparison(-3.21, -5.9, -0.52, "helps", 90)
    assert sentence("coral", c, "mae", control="pooled") == (
        "coral helps: MAE is 3.21 lower than pooled (95 % interval 0.52 to 5.90, 90 patients)."
    )


def test_a_harm():
    c = Comparison(-0.1, -0.15, -0.05, "harms", 30)
    assert sentence("ulsif", c, "accuracy") == (
        "ulsif harms: Accuracy is 0.100 lower than the control (95 % interval 0.050 to 0.150, 30 patients)."
    )


def test_an_inconclusive_difference_names_both_ends_and_their_sides():
    c = Comparison(0.01, -0.02, 0.04, "inconclusive", 50)
    assert sentence("coral", c, "auroc", control="target-only") == (
        "coral is inconclusive: AUROC is 0.010 higher than target-only, "
        "but the 95 % interval runs from 0.020 lower to 0.040 higher (50 patients)."
    )


def test_no_difference_is_said_with_its_note():
    c = Comparison(0.0, 0.0, 0.0, "inconclusive", 50, "The arm and its control predict the same.")
    assert sentence("coral", c, "auroc", control="pooled") == (
        "coral is inconclusive: AUROC is no different from pooled (50 patients). "
        "The arm and its control predict the same."
    )


def test_what_cannot_be_computed_is_said():
    c = Comparison(math.nan, math.nan, math.nan, "inconclusive", 1, "AUROC is undefined on these rows.")
    assert sentence("coral", c, "auroc") == (
        "coral is inconclusive: AUROC cannot be computed (1 patient). AUROC is undefined on these rows."
    )
    c = Comparison(0.2, math.nan, math.nan, "inconclusive", 9)
    assert sentence("coral", c, "auroc") == (
        "coral is inconclusive: AUROC is 0.200 higher than the control, "
        "and no interval can be given (9 patients)."
    )


@pytest.mark.parametrize(("scale", "shown"), [(1000, "1230"), (1, "1.23"), (0.001, "0.00123")])
def test_regression_differences_show_three_digits_in_any_unit(scale, shown):
    c = Comparison(-0.8 * scale, -1.23 * scale, -0.4 * scale, "helps", 20)
    assert f"to {shown}, 20 patients" in sentence("a", c, "mae")


def test_the_level_is_that_of_the_comparison():
    c = Comparison(0.1, 0.05, 0.15, "helps", 20, level=0.9)
    assert "(90 % interval" in sentence("a", c, "auroc")
