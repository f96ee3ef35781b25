from __future__ import annotations

import json

import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.report.read import read_run


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MedgraftError, match=r"There is no folder .*nowhere"):
        read_run(tmp_path / "nowhere")


def test_an_unfinished_run_is_told_apart_and_resume_is_offered(tmp_path):
    with pytest.raises(MedgraftError, match=r"no result\.json .* --resume"):
        read_run(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '"x"', "", b"\xff\xfe"])
def test_a_result_that_is_no_json_object_is_an_error_not_a_traceback(tmp_path, content):
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "result.json").write_bytes(data)
    with pytest.raises(MedgraftError, match=r"result\.json"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    "key", ["task", "metric", "better", "arms", "control", "comparisons", "chosen", "verdict"]
)
def test_each_missing_part_is_named(make, rewrite, key):
    folder, result = make()
    del result[key]
    rewrite(folder, result)
    with pytest.raises(MedgraftError, match=f"'{key}' is missing"):
        read_run(folder)


@pytest.mark.parametrize("arms", [[], [{}], ["pooled"], [{"name": 3}]])
def test_arms_without_a_name_are_refused(make, rewrite, arms):
    folder, result = make()
    rewrite(folder, result | {"arms": arms})
    with pytest.raises(MedgraftError, match="arms"):
        read_run(folder)


def test_the_calibration_of_the_result_wins_over_the_predictions(make, rewrite):
    folder, result = make()
    mine = {"pooled": {"bins": [{"predicted": 0.5, "observed": 0.5, "lo": 0.1, "hi": 0.9}], "of": "event"}}
    rewrite(folder, result | {"calibration": mine})
    assert read_run(folder).calibration == mine


def test_the_predictions_give_the_calibration_that_the_result_lacks(make, rewrite):
    folder, result = make()
    expected = json.loads(json.dumps(result["calibration"]))
    rewrite(folder, result | {"calibration": {}})
    assert read_run(folder).calibration == expected
    (folder / "predictions.parquet").write_bytes(b"not parquet")
    assert read_run(folder).calibration == {}


def test_only_the_predictions_of_the_headline_budget_are_read(make):
    folder, result = make(curve=True)
    whole = pd.read_parquet(folder / "predictions.parquet")
    assert whole["budget"].nunique() > 1
    assert read_run(folder).predictions["budget"].unique().tolist() == [result["budget"]]
