"""Events of patients, one at a time, to a wide table: the last value of each code, one row per patient."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say
from medgraft.cohort.limits import MAX_PIXELS

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)([T ].*)?)?)?")
_RESERVED = ("patient", "age", "sex")

Moment = tuple[int, int, int, float]  # year, month, day (0 unknown), seconds since 1970


@dataclass
class Wide:
    """Collects patients, values and conditions, and makes the table.

    Only what the table needs is kept: no names, no addresses, and of dates the last one of a patient.
    """

    where: Path
    sex: dict[str, str | None] = field(default_factory=dict)
    birth: dict[str, Moment | None] = field(default_factory=dict)
    last: dict[str, Moment] = field(default_factory=dict)
    values: dict[str, dict[str, tuple[float, float | str]]] = field(default_factory=dict)
    units: dict[str, Counter[str]] = field(default_factory=dict)
    conditions: dict[str, set[str]] = field(default_factory=dict)
    ids: dict[str, None] = field(default_factory=dict)

    def person(self, patient: str, sex: str | None, birth: Moment | None) -> None:
        """Note who a patient is."""
        self.ids[patient] = None
        self.sex[patient], self.birth[patient] = sex, birth

    def value(
        self, patient: str, code: str, value: float | str | None, unit: str, when: Moment | None
    ) -> None:
        """Note a value; a later one of the same code replaces it. None notes the time alone."""
        self.ids[patient] = None
        if when is not None:
            self.last[patient] = max(self.last.get(patient, when), when)
        if value is None:
            return
        of_code = self.values.setdefault(code, {})
        time = -math.inf if when is None else when[3]
        if patient not in of_code or time >= of_code[patient][0]:
            of_code[patient] = (time, value)
        if unit and isinstance(value, float):
            self.units.setdefault(code, Counter())[unit] += 1
        self._check_size()

    def condition(self, patient: str, code: str) -> None:
        """Note that a patient has a condition."""
        self.ids[patient] = None
        self.conditions.setdefault(code, set()).add(patient)
        self._check_size()

    def _check_size(self) -> None:
        if len(self.ids) * (len(self.values) + len(self.conditions)) > MAX_PIXELS // 4:
            raise MedgraftError(
                f"'{self.where}' has {len(self.ids):,} patients and more codes than fit into one table: take "
                "fewer of them out of the system."
            )

    def table(self, say: Say) -> pd.DataFrame:
        """Return ``patient``, ``age`` (years at the last observation), ``sex``, and one column per code."""
        ids = sorted(self.ids)
        columns: dict[str, Any] = {"patient": pd.Series(ids, dtype=object)}
        ages = [_age(self.birth.get(i), self.last.get(i)) for i in ids]
        columns["age"] = np.array(ages, dtype=float)
        columns["sex"] = pd.Series([self.sex.get(i) for i in ids], dtype=object)
        for code in sorted(self.values):
            name = f"{code} (value)" if code in _RESERVED else code
            columns[name] = self._column(code, ids, say)
        for code in sorted(self.conditions):
            name = f"{code} (condition)" if code in columns else code
            has = self.conditions[code]
            columns[name] = np.array([int(i in has) for i in ids])
        unknown = len(ids) - len(self.sex)
        if unknown:
            say(f"{unknown} patients have observations or conditions, but no entry that says who they are.")
        return pd.DataFrame(columns)

    def _column(self, code: str, ids: list[str], say: Say) -> pd.Series[Any]:
        values = self.values[code]
        units = self.units.get(code, Counter())
        if len(units) > 1:
            shown = ", ".join(f"{unit} ({n})" for unit, n in units.most_common(5))
            say(f"The values of '{code}' have several units, which were not converted: {shown}.")
        numbers = [v for _, v in values.values() if isinstance(v, float)]
        cells = [values[i][1] if i in values else None for i in ids]
        if 2 * len(numbers) >= len(values):
            if len(numbers) < len(values):
                n = len(values) - len(numbers)
                say(f"{n} of the {len(values)} values of '{code}' are no numbers and were taken for missing.")
            return pd.Series([c if isinstance(c, float) else np.nan for c in cells], dtype=float)
        return pd.Series([f"{c:g}" if isinstance(c, float) else c for c in cells], dtype=object)


def moment(text: object) -> Moment | None:
    """Return a date or time as FHIR and SQL write them; None for anything else.

    Examples
    --------
    >>> moment("2020-05"), moment("1970-01-01T01:00:00+01:00"), moment("soon")
    ((2020, 5, 0, 1588291200.0), (1970, 1, 1, 0.0), None)
    """
    found = _DATE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day = (int(part or 0) for part in found.groups()[:3])
    try:
        whole = f"{year:04d}-{month or 1:02d}-{day or 1:02d}" + (found[4] or "")
        point = datetime.fromisoformat(whole)
        aware = point if point.tzinfo else point.replace(tzinfo=UTC)
        return year, month, day, (aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None


def _age(birth: Moment | None, last: Moment | None) -> float:
    """Return completed years, by the year alone where a month or day is unknown; NaN if impossible."""
    if birth is None or last is None:
        return math.nan
    years = last[0] - birth[0]
    if 0 not in (*birth[1:3], *last[1:3]) and last[1:3] < birth[1:3]:
        years -= 1
    return float(years) if 0 <= years <= 130 else math.nan
