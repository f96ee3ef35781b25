from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medgraft.cohort import read as read_cohort
from medgraft.cohort.public import public_sets, read
from medgraft.cohort.public.prepare import breakhis, c_nmc
from medgraft.cohort.public.unpack import SUFFIXES

DOCS = Path(__file__).parents[3] / "docs" / "public_sets.md"


@pytest.mark.parametrize("name", list(public_sets))
def test_every_entry_is_complete_and_claims_nothing_that_is_not_known(name):
    entry = public_sets[name]
    assert (
        re.fullmatch(r"[a-z][a-z0-9_]*", name)
        and entry.title
        and entry.licence
        and entry.layout
        and (entry.files or entry.note)  # how one makes them oneself
    )
    assert entry.home.startswith("http") and (not entry.doi or entry.doi.startswith("10."))
    for file in entry.files:
        assert file.url.startswith(("https://", "http://")) and not file.verified
        assert not file.name.startswith(("/", ".")) and ".." not in file.name
        assert not file.unpack or file.name.endswith(SUFFIXES)
        assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.md5 is None or re.fullmatch(r"[0-9a-f]{32}", file.md5)
    assert set(entry.roles) <= set(inspect.signature(read_cohort).parameters)
    assert all(re.fullmatch(r"[a-z]+20\d\d[a-z]*", study) for study in entry.studies)
    if re.search("NC|research|no licence|Kaggle page|rules|each image", entry.licence):
        assert entry.restricted


def test_no_two_entries_share_a_file():
    urls = [file.url for entry in public_sets.values() for file in entry.files]
    assert len(set(urls)) == len(urls)


def test_the_documentation_lists_every_set_with_its_licence():
    text = DOCS.read_text(encoding="utf-8")
    for name, entry in public_sets.items():
        assert f"| `{name}` | {entry.title} |" in text and entry.licence in text, name


def local(shared_data, name, folder, **options):
    return read(name, local=shared_data(folder), **options)


def test_four_hospitals_with_heart_disease(shared_data):
    cohort = local(shared_data, "heart", "uci_heart_4site")
    assert cohort.n == 920 and cohort.task == "binary" and len(cohort.features) == 13
    assert {d: int((cohort.domains == d).sum()) for d in np.unique(cohort.domains)} == {
        "processed.cleveland": 303,
        "processed.hungarian": 294,
        "processed.switzerland": 123,
        "processed.va": 200,
    }
    assert int(cohort.y.sum()) == 139 + 106 + 115 + 149


def test_kidneys_voices_wine_and_air(shared_data):
    ckd = local(shared_data, "ckd", "uci_ckd")
    assert ckd.n == 400 and int(ckd.y.sum()) == 250 and len(ckd.features) == 24 and ckd.positive == "ckd"
    voices = local(shared_data, "parkinsons_telemonitoring", "uci_parkinsons_telemonitoring")
    assert voices.n == 5875 and len(set(voices.groups)) == 42 and voices.task == "regression"
    air = local(shared_data, "pm25_beijing", "uci_pm25_beijing")
    assert air.n == 43824 - 2067 and len(np.unique(air.domains)) == 5


def test_cytology_activities_and_splice_junctions(shared_data):
    cells = local(shared_data, "breast_cancer_wisconsin", "uci_breast_cancer_wisconsin")
    assert cells.n == 699 and int(cells.y.sum()) == 241 and len(cells.features) == 9
    moves = local(shared_data, "wisdm", "wisdm_transformed")
    assert moves.n == 5418 and len(set(moves.groups)) == 36 and len(moves.classes) == 6
    splice = local(shared_data, "splice", "uci_splice")
    assert splice.n == 3190 and splice.classes == ["EI", "IE", "N"] and splice.kind == "sequence"


def test_skin_lesions_and_chest_films(shared_data):
    skin = local(shared_data, "ham10000", "ham10000")
    assert skin.n == 540 and skin.kind == "image" and len(skin.classes) == 7 and len(set(skin.groups)) == 540
    films = local(shared_data, "mias", "mammogram_mias")
    assert films.n == 135 and films.kind == "image"
    assert np.bincount(films.y).tolist() == [45, 45, 45] and films.classes == [
        "benign",
        "malignant",
        "normal",
    ]
    wanted = pd.read_csv(shared_data("mammogram_mias") / "manifest.csv").set_index("name")
    for image, patient in zip(films.table["image"], films.table["patient"], strict=True):
        assert wanted.loc[Path(image).stem, "patient"] == int(patient)


def test_segments_and_heartbeats(shared_data):
    bonn = local(shared_data, "bonn_eeg", "bonn_eeg")
    assert bonn.n == 500 and bonn.kind == "signal" and np.bincount(bonn.y).tolist() == [100] * 5
    beats = local(shared_data, "ecg5000", "ecg5000")
    assert beats.n == 500 and len(beats.classes) == 5 and len(beats.features) == 140


def test_class_folders_inside_a_set_are_found(shared_data, tmp_path):
    brain = local(shared_data, "brain_tumour_mri", "brain_mri_4class")
    assert brain.n == 1000 and len(brain.classes) == 4
    eyes = local(shared_data, "eye_diseases", "eye_fundus_4class")
    assert eyes.n == 600 and eyes.classes == ["cataract", "diabetic_retinopathy", "glaucoma", "normal"]


def test_wine_in_its_published_form(tmp_path):
    head = '"fixed acidity";"alcohol";"quality"\n'
    for colour, shift in (("red", 0), ("white", 1)):
        rows = "".join(f"{7 + i / 10};9.{i};{3 + (i + shift) % 6}\n" for i in range(12))
        (tmp_path / f"winequality-{colour}.csv").write_text(head + rows)
    wine = read("wine_quality", local=tmp_path)
    assert wine.n == 24 and wine.task == "regression" and wine.features == ("fixed acidity", "alcohol")
    assert np.unique(wine.domains).tolist() == ["winequality-red", "winequality-white"]


def test_what_stands_in_file_names_becomes_columns(tmp_path):
    for k, name in enumerate(("SOB_M_DC-14-2523-40-001", "SOB_B_A-14-22549AB-100-007", "odd")):
        folder = tmp_path / "b" / f"folder {k}"
        folder.mkdir(parents=True)
        (folder / f"{name}.png").touch()
    table = breakhis(tmp_path / "b").sort_values("patient")
    assert table["slide"].tolist() == ["14-22549AB", "14-2523"]
    assert table["label"].tolist() == ["benign", "malignant"] and table["magnification"].tolist() == [
        "100",
        "40",
    ]
    for name in ("fold_0/all/UID_11_29_1_all", "fold_1/hem/UID_H10_1_2_hem"):
        (tmp_path / "c" / name).parent.mkdir(parents=True)
        (tmp_path / "c" / f"{name}.bmp").touch()
    cells = c_nmc(tmp_path / "c")
    assert cells[["patient", "label", "fold"]].to_numpy().tolist() == [
        ["11", "all", "fold_0"],
        ["H10", "hem", "fold_1"],
    ]


def test_slides_whose_names_differ_by_letters_or_tumour_alone_are_one_patient(tmp_path):
    names = (
        "B_A-14-22549AB",
        "B_A-14-22549CD",
        "B_F-14-22549",
        "B_A-15-22549AB",
        "M_DC-14-2254",
        "M_PC-15-190EF",
    )
    for name in names:
        (tmp_path / f"SOB_{name}-40-001.png").touch()
    table = breakhis(tmp_path).set_index("slide")
    assert table["patient"].to_dict() == {
        "14-22549AB": "14-22549",
        "14-22549CD": "14-22549",
        "14-22549": "14-22549",
        "15-22549AB": "15-22549",
        "14-2254": "14-2254",
        "15-190EF": "15-190",
    }
    assert public_sets["breakhis"].roles["group"] == "patient"


def test_countries(shared_data):
    covid = local(shared_data, "owid_covid", "owid_covid")
    assert len(set(covid.groups)) == 34 and covid.time == "date"


def test_the_superclass_of_an_ecg_is_that_of_its_likeliest_statement(tmp_path):
    from medgraft.base import MedgraftError
    from medgraft.cohort.public.prepare import ptb_xl

    folder = tmp_path / "ptb-xl-1.0.3"
    folder.mkdir()
    (folder / "scp_statements.csv").write_text(",diagnostic_class\nNORM,NORM\nIMI,MI\nSR,\n")
    rows = ["1,\"{'NORM': 80.0, 'IMI': 100.0, 'SR': 0.0}\",records100/1_lr", "2,{'SR': 0.0},records100/2_lr"]
    (folder / "ptbxl_database.csv").write_text("ecg_id,scp_codes,filename_lr\n" + "\n".join(rows) + "\n")
    table = ptb_xl(tmp_path)
    assert table["superclass"].tolist()[0] == "MI" and table["superclass"].isna().tolist() == [False, True]
    assert table["signal"][0] == str(folder / "records100" / "1_lr.hea")
    (folder / "ptbxl_database.csv").write_text("ecg_id,scp_codes,filename_lr\n1,__import__('os'),a\n")
    with pytest.raises(MedgraftError, match="cannot be read"):
        ptb_xl(tmp_path)


def test_one_column_a_class_becomes_one_label(tmp_path):
    from medgraft.cohort.public.prepare import isic_2019

    (tmp_path / "ISIC_2019_Training_GroundTruth.csv").write_text(
        "image,MEL,NV\nISIC_1,0.0,1.0\nISIC_2,1.0,0.0\n"
    )
    (tmp_path / "ISIC_2019_Training_Metadata.csv").write_text("image,lesion_id\nISIC_2,b\nISIC_1,a\n")
    (tmp_path / "ISIC_2019_Training_Input").mkdir()
    (tmp_path / "ISIC_2019_Training_Input" / "ISIC_1.jpg").touch()
    table = isic_2019(tmp_path)
    assert table["label"].tolist() == ["NV", "MEL"] and table["lesion_id"].tolist() == ["a", "b"]
    assert table["image"].tolist()[0].endswith("ISIC_1.jpg")
