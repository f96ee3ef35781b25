"""A FHIR Bulk Data export: patients, observations and conditions as NDJSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.generate.people import sample_rng
from medgraft.cohort.generate.tables import TableModel
from medgraft.cohort.generate.truth import Made

# LOINC code, name, unit, mean and standard deviation of what x1, x2, ... of the table become.
MEASURES = (
    ("8480-6", "Systolic blood pressure", "mm[Hg]", 130.0, 15.0),
    ("8462-4", "Diastolic blood pressure", "mm[Hg]", 80.0, 10.0),
    ("39156-5", "Body mass index", "kg/m2", 26.0, 4.0),
    ("2339-0", "Glucose", "mg/dL", 100.0, 20.0),
    ("2093-3", "Cholesterol", "mg/dL", 190.0, 30.0),
    ("8867-4", "Heart rate", "/min", 75.0, 10.0),
)
CONDITION = ("44054006", "Diabetes mellitus type 2")


def fhir(folder: str | Path, n_patients: int = 40, *, visits: int = 1, **settings: Any) -> Made:
    """Write Patient, Observation, Condition and Organization as FHIR R4 Bulk NDJSON.

    The measurements are the features of a :class:`~medgraft.cohort.generate.tables.TableModel`, in the units
    of the clinic; a patient of the last class has a Condition (type 2 diabetes), one of the first has none.
    The site is the patient's managing organization. Everybody and everything is invented. Source of the
    layout: HL7 FHIR Bulk Data Access.

    Parameters
    ----------
    folder : path
        Gets Patient.ndjson, Observation.ndjson, Condition.ndjson and Organization.ndjson.
    n_patients : int, default 40
    visits : int, default 1
        Times at which each measurement is taken, a month apart; all carry the same value up to a
        rounding error.
    **settings
        Of :class:`~medgraft.cohort.generate.tables.TableModel`, for two classes; ``n_features`` is at most 6
        (the default). Missing cells have no Observation.

    Returns
    -------
    Made
        ``table`` has one row per patient with the measurements by LOINC code.
    """
    settings = {"n_features": len(MEASURES), **settings}
    model = TableModel(n_patients, rows_per_patient=1, **settings)
    if model.task != "binary" or model.n_features > len(MEASURES) or visits < 1:
        raise MedgraftError(
            f"Generated FHIR needs two classes, at most {len(MEASURES)} features and a visit."
        )
    drawn = TableModel(n_patients, rows_per_patient=1, **{**settings, "protected": True}).draw()
    measures = MEASURES[: model.n_features]
    table = drawn[["patient", "site", "sex", "age", "label"]].copy()
    for j, (code, _, _, mean, deviation) in enumerate(measures):
        table[code] = (mean + deviation * drawn[f"x{j + 1}"]).round(1)
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    observations, conditions = [], []
    ill = model.truth.classes[-1]
    for i, (_, row) in enumerate(table.iterrows()):
        rng = sample_rng(model.seed, i)
        reference = {"reference": f"Patient/{row['patient']}"}
        for measure in measures:
            if pd.notna(row[measure[0]]):
                observations += [
                    _observation(reference, measure, float(row[measure[0]]), visit) for visit in range(visits)
                ]
        if row["label"] == ill:
            disease = {"system": "http://snomed.info/sct", "code": CONDITION[0], "display": CONDITION[1]}
            conditions.append(
                {
                    "resourceType": "Condition",
                    "subject": reference,
                    "code": {"coding": [disease]},
                    "onsetDateTime": f"20{10 + int(rng.integers(0, 9))}-01-01",
                }
            )
    patients = [
        {
            "resourceType": "Patient",
            "id": row["patient"],
            "name": [{"family": "Fictional", "given": [row["patient"]]}],
            "gender": row["sex"],
            "birthDate": f"{2020 - int(row['age'])}-01-01",
            "managingOrganization": {"reference": f"Organization/{row['site']}"},
        }
        for _, row in table.iterrows()
    ]
    places = [
        {"resourceType": "Organization", "id": s, "name": f"Fictional Hospital {s}"} for s in model.sites
    ]
    for kind, rows in (
        ("Patient", patients),
        ("Observation", observations),
        ("Condition", conditions),
        ("Organization", places),
    ):
        for k, entry in enumerate(rows):
            entry.setdefault("id", f"{kind[0]}{k + 1}")
        lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in rows)
        (root / f"{kind}.ndjson").write_bytes(lines.encode())
    return Made(root, table, model.truth)


def _observation(
    subject: dict[str, str], measure: tuple[str, str, str, float, float], value: float, visit: int
) -> dict[str, Any]:
    code, name, unit, _, _ = measure
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}]},
        "subject": subject,
        "effectiveDateTime": f"2020-{visit % 12 + 1:02d}-01T08:00:00Z",
        "valueQuantity": {
            "value": value,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }
