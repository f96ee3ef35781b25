"""FHIR bulk exports to one row per patient."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.formats import load

LOINC = "http://loinc.org"


def patient(id_, gender="female", birth="1950-06-15", **more):
    return {
        "resourceType": "Patient",
        "id": id_,
        "gender": gender,
        "birthDate": birth,
        "name": [{"family": "Secretname"}],
        "address": [{"city": "Hiddentown"}],
        **more,
    }


def observation(id_, code, when, system=LOINC, **value):
    return {
        "resourceType": "Observation",
        "subject": {"reference": f"Patient/{id_}"},
        "code": {"coding": [{"system": "http://local", "code": "own"}, {"system": system, "code": code}]},
        "effectiveDateTime": when,
        **value,
    }


def quantity(value, unit="mmol/L"):
    return {"valueQuantity": {"value": value, "unit": unit}}


def condition(id_, code, **more):
    return {
        "resourceType": "Condition",
        "subject": {"reference": f"Patient/{id_}"},
        "code": {"coding": [{"code": code}]},
        **more,
    }


@pytest.fixture
def write(tmp_path):
    def write(name, *resources):
        (tmp_path / name).write_text("".join(json.dumps(r) + "\n" for r in resources))
        return tmp_path

    return write


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


def test_an_export_becomes_one_row_per_patient(write):
    write("Patient.000.ndjson", patient("p2", "male", "1990"))
    write("Patient.001.ndjson", patient("p1"))
    smokes = {"valueCodeableConcept": {"coding": [{"code": "8517006", "display": "Ex-smoker"}]}}
    write(
        "Observation.ndjson",
        observation("p1", "2345-7", "2020-06-14T10:00:00Z", **quantity(5.5)),
        observation("p1", "2345-7", "2019-01-01", **quantity(9.9)),  # earlier, though later in the file
        observation("p2", "2345-7", "2021-02", **quantity(4)),
        observation("p1", "72166-2", "2018-05-05", **smokes),
    )
    frame, entry, said = _load(
        write("Condition.ndjson", condition("p1", "44054006"), condition("p1", "38341003"))
    )
    assert entry.name == "fhir" and said == []
    assert list(frame.columns) == ["patient", "age", "sex", "2345-7", "72166-2", "38341003", "44054006"]
    assert frame["patient"].tolist() == ["p1", "p2"] and frame["sex"].tolist() == ["female", "male"]
    # Born on 15 June 1950, seen on 14 June 2020: 69. Of the other only the years are known: 2021 - 1990.
    assert frame["age"].tolist() == [69, 31] and frame["2345-7"].tolist() == [5.5, 4.0]
    assert frame["72166-2"].fillna("").tolist() == ["Ex-smoker", ""]
    assert frame["44054006"].tolist() == [1, 0]
    text = frame.to_csv()
    assert not any(word in text for word in ("Secretname", "Hiddentown", "1950", "06-15"))


def test_the_patient_is_no_feature_of_the_cohort(write):
    write("Patient.ndjson", *(patient(f"p{i}") for i in range(8)))
    write("Observation.ndjson", *(observation(f"p{i}", "a", "2020", **quantity(i)) for i in range(8)))
    cohort = read(write("Condition.ndjson", *(condition(f"p{i}", "ill") for i in range(4))), label="ill")
    assert cohort.y.tolist() == [1] * 4 + [0] * 4 and cohort.features == ("age", "sex", "a")


def test_time_zones_decide_which_value_is_the_last(write):
    frame, _, _ = _load(
        write(
            "Observation.ndjson",
            observation("p", "a", "2020-01-01T23:30:00-05:00", **quantity(2)),
            observation("p", "a", "2020-01-02T01:00:00+00:00", **quantity(1)),
        )
    )
    assert frame["a"].tolist() == [2.0]


def test_parts_of_an_observation_are_observations_of_their_own(write):
    parts = [
        {"code": {"coding": [{"system": LOINC, "code": code}]}, **quantity(value, "mmHg")}
        for code, value in (("8480-6", 120), ("8462-4", 80))
    ]
    frame, _, said = _load(write("Observation.ndjson", observation("p", "85354-9", "2020", component=parts)))
    assert frame[["8462-4", "8480-6"]].values.tolist() == [[80.0, 120.0]] and "85354-9" not in frame
    assert said == ["1 patients have observations or conditions, but no entry that says who they are."]


def test_units_that_differ_and_texts_among_numbers_are_told(write):
    write("Patient.ndjson", patient("p"), patient("q"), patient("r"))
    frame, _, said = _load(
        write(
            "Observation.ndjson",
            observation("p", "glucose", "2020", **quantity(5, "mmol/L")),
            observation("q", "glucose", "2020", **quantity(90, "mg/dL")),
            observation("r", "glucose", "2020", valueCodeableConcept={"text": "high"}),
        )
    )
    assert frame["glucose"].tolist()[:2] == [5, 90] and frame["glucose"].isna()[2]
    assert said[0].startswith("The values of 'glucose' have several units") and "mg/dL (1)" in said[0]
    assert said[1].startswith("1 of the 3 values of 'glucose' are no numbers")


def test_what_was_entered_in_error_or_refuted_does_not_count(write):
    write("Patient.ndjson", patient("p"))
    write("Observation.ndjson", observation("p", "a", "2020", status="entered-in-error", **quantity(5)))
    refuted = {"verificationStatus": {"coding": [{"code": "refuted"}]}}
    frame, _, said = _load(write("Condition.ndjson", condition("p", "c", **refuted)))
    assert list(frame.columns) == ["patient", "age", "sex"] and len(said) == 1


def test_other_resources_are_passed_over_and_told(write):
    write("Patient.ndjson", patient("p"))
    frame, _, said = _load(write("Encounter.ndjson", {"resourceType": "Encounter", "id": "e"}))
    assert len(frame) == 1 and "Encounter (1)" in said[0]


def test_codes_that_meet_keep_columns_of_their_own(write):
    write("Observation.ndjson", observation("p", "age", "2020", **quantity(3)))
    frame, _, _ = _load(write("Condition.ndjson", condition("p", "age")))
    assert {"age", "age (value)", "age (condition)"} <= set(frame.columns)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        "7",
        '{"resourceType": "Patient"}',
        '{"resourceType": "Patient", "id": 7}',
        '{"resourceType": "Observation", "subject": 3}',
        '{"resourceType": "Observation", "subject": {"reference": "Patient/p"}, "code": [1]}',
        '{"resourceType": ["Patient"]}',
        '{"resourceType": "Observation", "subject": {"reference": "Patient/p"}, "code": {"text": "a"}, '
        '"valueQuantity": {"value": "high"}}',
        "[" * 100_000,
        '{"resourceType": "Patient", "id": "x", "a": ' + "9" * 10_000 + "}",
    ],
)
def test_a_bad_line_is_named_by_file_and_number(write, tmp_path, line):
    write("Patient.ndjson", patient("p"))
    (tmp_path / "Observation.ndjson").write_text(json.dumps(observation("p", "a", "2020")) + f"\n\n{line}\n")
    with pytest.raises(MedgraftError, match=r"Line 3 of '.*Observation\.ndjson' is not"):
        _load(tmp_path)


def test_a_line_without_an_end_is_refused(tmp_path):
    (tmp_path / "Patient.ndjson").write_text(json.dumps(patient("p")) + "\n" + " " * (2**24 + 5))
    with pytest.raises(MedgraftError, match=r"Line 2 of '.*Patient\.ndjson' is not shorter than"):
        _load(tmp_path)


def test_a_table_too_wide_for_memory_is_refused(write, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.formats.wide.MAX_PIXELS", 4 * 50)
    with pytest.raises(MedgraftError, match="more codes than fit"):
        _load(
            write(
                "Observation.ndjson",
                *(observation(f"p{i}", f"c{i}", "2020", **quantity(1)) for i in range(9)),
            )
        )


CONTENT = "".join(
    json.dumps(r) + "\n"
    for r in (patient("p"), observation("p", "a", "2020-01-02", **quantity(1.5)), condition("p", "c"))
).encode()


@FUZZ
@given(damage(CONTENT))
def test_damaged_exports_give_a_table_or_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "Patient.ndjson"
    path.write_bytes(data)
    read_or_sentence(path)
