"""Does the audit find what is planted, and how often does it cry wolf?

``python benchmarks/audit_planted.py [seeds]`` plants one trap at a time into small generated cohorts, says
whether its check found it, and counts findings of severity warning or severe in clean cohorts of every kind.
The suite runs the same. About two minutes on one core for 20 seeds.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from audit_scenes import clean_scenes
from audit_traps import PLANTS


def false_alarms(seed: int, folder: Path) -> dict[str, list[str]]:
    """Return the checks that raised an alarm in each clean cohort."""
    alarms = {}
    for name, scene in clean_scenes(seed, folder).items():
        alarms[name] = [f"{f.check}: {f.sentence}" for f in scene.audit().findings if f.severity != "note"]
    return alarms


def main(seeds: int) -> None:
    print(f"{'planted':46s} {'check':26s} found in 3 cohorts")
    total = 0
    for trap in PLANTS:
        hits = 0
        for seed in range(3):
            with tempfile.TemporaryDirectory() as folder:
                hits += trap.found(seed, Path(folder))
        total += hits
        print(f"{trap.name:46s} {trap.check:26s} {hits}", flush=True)
    print(f"{len(PLANTS)} traps, {total} of {3 * len(PLANTS)} found\n")
    counts: Counter[str] = Counter()
    said: list[str] = []
    names: list[str] = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            alarms = false_alarms(seed, Path(folder))
        names = list(alarms)
        counts.update({name: len(found) for name, found in alarms.items()})
        said += [f"  seed {seed}, {name}: {sentence}" for name, found in alarms.items() for sentence in found]
    print(f"{'clean cohorts':46s} false alarms (warning or severe) in {seeds}")
    for name in names:
        print(f"{name:46s} {counts[name]}")
    print(f"{len(names) * seeds} clean cohorts, {sum(counts.values())} false alarms")
    print("\n".join(said))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
