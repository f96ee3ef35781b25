from __future__ import annotations

from medgraft.report.patients import flow, table_one
from medgraft.report.read import read_run
from medgraft.report.tripod import checklist


def test_the_flow_says_its_numbers_to_those_who_cannot_see_it(make):
    folder, _ = make()
    found = flow(read_run(folder))
    for form in (found["plot"].wide, found["plot"].narrow):
        for words in ("120 samples of 60 patients", "20 to 24 target samples with their label", "0 to 140"):
            assert words in form
    assert found["left_out"] == ["12 rows have no label and were left out."]


def test_without_a_source_nobody_is_called_a_target(make, rewrite):
    folder, result = make()
    result["cohort"]["flow"]["source"] = {"rows": 0, "patients": 0}
    rewrite(folder, result)
    run = read_run(folder)
    assert "20 to 24 samples with their label" in flow(run)["plot"].wide
    said = {item["number"]: item["says"] for item in checklist(run)}["21"]
    assert said.startswith("20 to 24 samples with a label taught each model")


def test_a_withheld_cell_shows_neither_count_nor_share(make):
    folder, _ = make()
    found = table_one(read_run(folder))
    lines = {line["name"]: line["cells"] for line in found["lines"]}
    assert lines["male"] == ["withheld", "206 (68 %)"]
    assert lines["chol"] == ["–", "241 (211–275)"]
    assert lines["missing"] == ["28 %", "0 %"]
    assert found["columns"] == ["va (n = 200)", "cleveland (n = 303)"]


def test_a_share_of_missing_values_that_speaks_of_a_few_is_withheld_and_so_is_a_small_column(make, rewrite):
    folder, result = make()
    one = result["cohort"]["table_one"]
    one["variables"][1]["missing"] = [0.03, 0.98]  # of 200: some six; of 303: all but some six
    one["variables"][0]["missing"] = [0.10, 1.0]
    rewrite(folder, result)
    gaps = [x["cells"] for x in table_one(read_run(folder))["lines"] if x["name"] == "missing"]
    assert gaps == [["10 %", "100 %"], ["withheld", "withheld"]]
    one["columns"] = [{"name": "no", "rows": 7}, {"name": "all", "rows": 120}]
    rewrite(folder, result)
    assert table_one(read_run(folder))["columns"] == ["no (n = withheld)", "all (n = 120)"]


def test_large_numbers_are_written_out(make, rewrite):
    folder, result = make()
    result["cohort"]["table_one"]["variables"][1]["cells"][0] = [7500.0, 6300.4, 12.345]
    rewrite(folder, result)
    lines = {line["name"]: line["cells"] for line in table_one(read_run(folder))["lines"]}
    assert lines["chol"][0] == "7500 (6300–12.3)"


def test_a_run_that_does_not_know_its_flow_has_none(make, rewrite):
    folder, result = make()
    result["cohort"].pop("flow")
    result["cohort"].pop("table_one")
    rewrite(folder, result)
    assert flow(read_run(folder)) is None
    assert table_one(read_run(folder)) is None


def test_levels_that_are_withheld_everywhere_share_a_line_and_few_missing_values_have_none(make, rewrite):
    folder, result = make()
    sex, chol = result["cohort"]["table_one"]["variables"]
    sex["cells"] = [{"male": None, "female": None}] * 2
    chol["missing"] = [0.03, 0.0]  # of 200: some six
    pain = {"name": "pain", "kind": "category", "missing": [0.0, 0.0]}
    pain["cells"] = [{"a": 90, "b": None, "c": None}, {"a": 200, "b": None, "c": None}]
    result["cohort"]["table_one"]["variables"] = [sex, pain, chol]
    rewrite(folder, result)
    lines = [(x["name"], x["cells"]) for x in table_one(read_run(folder))["lines"]]
    gone = ["withheld", "withheld"]
    assert lines[:4] == [
        ("sex (male, female)", gone),
        ("pain", ["", ""]),
        ("a", ["90", "200"]),
        ("b, c", gone),
    ]
    assert [name for name, _ in lines[4:]] == ["chol"]
