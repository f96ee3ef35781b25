"""Write docs/studies.md from the cards and from the recorded runs in docs/figures.

python docs/write_studies.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medgraft.studies import studies
from medgraft.studies.kit.page import page

HERE = Path(__file__).parent


def recorded(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the accounts of each study; ``KEY.json`` is the main one, ``KEY-NAME.json`` come after it."""
    found = {}
    for key in studies:
        files = [folder / f"{key}.json", *sorted(folder.glob(f"{key}-*.json"))]
        found[key] = [json.loads(file.read_text()) for file in files if file.exists()]
    return found


if __name__ == "__main__":
    (HERE / "studies.md").write_text(page(recorded(HERE / "figures")))
