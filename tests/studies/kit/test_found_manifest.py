"""A folder that is said to be a set, with a table of its own."""

from __future__ import annotations

import pandas as pd
import pytest
from PIL import Image

import medgraft as mg
from medgraft.studies.kit.found import Found


def test_a_manifest_names_the_images_of_a_folder_in_no_published_layout(tmp_path):
    (tmp_path / "img").mkdir()
    for i in range(4):
        Image.new("L", (16, 16), 40 * i).save(tmp_path / "img" / f"{i}.png")
    frame = pd.DataFrame({"file": [f"img/{i}.png" for i in range(4)], "label": ["no", "yes"] * 2})
    found = Found("stand-in", "", {"chest_xray_pneumonia": tmp_path}, {})
    with pytest.raises(mg.MedgraftError, match="one folder|two classes|class"):
        found.cohort("chest_xray_pneumonia", label="label")
    frame.to_csv(tmp_path / "manifest.csv", index=False)
    made = found.cohort("chest_xray_pneumonia")
    assert made.kind == "image" and made.n == 4 and made.classes == ["no", "yes"]
    assert made.name == "chest_xray_pneumonia"
