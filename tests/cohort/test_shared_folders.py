"""Every folder of real data is one call of `read`, with the counts that its SOURCE.md gives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from medgraft.cohort import read

FOUR = [
    "age",
    "sex",
    "cp",
    "trestbps",
    "chol",
    "fbs",
    "restecg",
    "thalach",
    "exang",
    "oldpeak",
    "slope",
    "ca",
    "thal",
    "num",
]
WISCONSIN = [
    "id",
    "clump",
    "size",
    "shape",
    "adhesion",
    "epithelial",
    "nuclei",
    "chromatin",
    "nucleoli",
    "mitoses",
    "cls",
]
WINE = [
    "fixed",
    "volatile",
    "citric",
    "sugar",
    "chlorides",
    "free",
    "total",
    "density",
    "ph",
    "sulphates",
    "alcohol",
    "quality",
]

# folder, file in it, keywords of read, rows, counts of labels (None: unchecked), patients (None: unchecked)
FOLDERS = [
    (
        "alzheimer_mri_4class",
        "manifest.csv",
        {"image": "file", "label": "label"},
        634,
        {"MildDemented": 190, "ModerateDemented": 64, "NonDemented": 190, "VeryMildDemented": 190},
        None,
    ),
    ("blood_cells_bccd", "", {}, 2184, {"WBC": 155, "RBC": 1849, "Platelets": 180}, 150),
    ("bonn_eeg", "", {}, 500, {"A_Z": 100, "B_O": 100, "C_N": 100, "D_F": 100, "E_S": 100}, None),
    (
        "brain_mri_4class",
        "Training",
        {},
        1000,
        dict.fromkeys(("glioma", "meningioma", "notumor", "pituitary"), 250),
        None,
    ),
    (
        "brain_mri_4class",
        "Testing",
        {},
        240,
        dict.fromkeys(("glioma", "meningioma", "notumor", "pituitary"), 60),
        None,
    ),
    (
        "covid_chestxray",
        "manifest.csv",
        {"image": "file", "label": "finding", "group": "patientid", "protected": "auto"},
        268,
        None,
        None,
    ),
    (
        "cxr_pneumonia_kermany",
        "manifest.csv",
        {"image": "file", "label": "label"},
        618,
        {"normal": 231, "pneumonia": 387},
        None,
    ),
    ("dicom_ct_head", "", {"require_label": False}, 1, None, None),
    ("dicom_ct_head", "", {"require_label": False, "kind": "image"}, 14, None, 1),
    ("dicom_mr_brain", "", {"require_label": False}, 5, None, None),
    ("dicom_misc", "", {"require_label": False}, 13, None, None),
    (
        "ecg5000",
        "ECG5000_TRAIN.txt",
        {"label": "column_1"},
        500,
        {"1": 292, "2": 177, "3": 10, "4": 19, "5": 2},
        None,
    ),
    ("ecg_wfdb", "100.hea", {}, 2271, {"N": 2237, "A": 33, "V": 1}, None),
    ("eegmmi_s001", "", {}, 120, {"T0": 60, "T1": 31, "T2": 29}, 1),
    (
        "eye_fundus_4class",
        "",
        {},
        600,
        dict.fromkeys(("cataract", "diabetic_retinopathy", "glaucoma", "normal"), 150),
        None,
    ),
    (
        "ham10000",
        "metadata.csv",
        {"image": "image_id", "label": "dx", "protected": "auto"},
        540,
        {"akiec": 80, "bcc": 80, "bkl": 80, "mel": 80, "nv": 80, "vasc": 80, "df": 60},
        None,
    ),
    ("hippocampus_nifti", "", {"require_label": False}, 100, None, None),
    (
        "mammogram_mias",
        "manifest.csv",
        {"image": "file", "label": "label"},
        135,
        dict.fromkeys(("normal", "benign", "malignant"), 45),
        -1,
    ),
    (
        "methylation_age",
        "gse38608_samples.csv",
        {"label": "Age", "omics": "gse38608_betas.csv.gz"},
        16,
        None,
        None,
    ),
    (
        "methylation_age",
        "progress_samples.csv",
        {"label": "EGA", "omics": "progress_betas.csv"},
        150,
        None,
        None,
    ),
    (
        "owid_covid",
        "owid-covid-data_34countries.csv",
        {"label": "new_deaths", "domain": "location", "time": "date"},
        4921,
        None,
        None,
    ),
    ("rbp_sequences", "AGO1.txt", {}, 5210, {"0": 2624, "1": 2586}, None),
    ("rbp_sequences", "", {}, None, None, None),
    (
        "uci_breast_cancer_wisconsin",
        "breast-cancer-wisconsin.data",
        {"columns": WISCONSIN, "label": "cls", "group": "id"},
        699,
        {"2": 458, "4": 241},
        None,
    ),
    (
        "uci_ckd",
        "chronic_kidney_disease_full.arff",
        {"label": "class"},
        400,
        {"ckd": 250, "notckd": 150},
        None,
    ),
    (
        "uci_heart_4site",
        "",
        {"columns": FOUR, "label": "num > 0", "domain": "file"},
        920,
        {"yes": 509, "no": 411},
        None,
    ),
    ("uci_parkinsons_telemonitoring", "parkinsons_updrs.data", {"label": "motor_UPDRS"}, 5875, None, 42),
    ("uci_pm25_beijing", "pollution.csv", {"label": "pm2.5"}, 43824 - 2067, None, None),
    (
        "uci_splice",
        "splice.csv",
        {"label": "Class", "sequence": "Sequence"},
        3190,
        {"N": 1655, "IE": 768, "EI": 767},
        None,
    ),
    (
        "uci_wine_quality",
        "",
        {"columns": WINE, "label": "quality", "domain": "file"},
        1599 + 4898,
        None,
        None,
    ),
    (
        "wisdm_transformed",
        "WISDM_ar_v1.1_transformed.arff",
        {"label": "class", "group": "user"},
        5418,
        {
            "Walking": 2081,
            "Jogging": 1625,
            "Upstairs": 632,
            "Downstairs": 528,
            "Sitting": 306,
            "Standing": 246,
        },
        36,
    ),
]


@pytest.mark.parametrize(
    ("folder", "file", "keywords", "n", "labels", "patients"),
    FOLDERS,
    ids=[f"{f}-{p}" for f, p, *_ in FOLDERS],
)
def test_a_folder_is_read_by_one_call(shared_data, folder, file, keywords, n, labels, patients):
    place = shared_data(folder)
    cohort = read(place / file if file else place, **keywords)
    assert n is None or cohort.n == n
    if labels is not None:
        assert cohort.classes is not None
        assert dict(Counter(np.array(cohort.classes)[cohort.y].tolist())) == labels
    if patients is not None and patients >= 0:
        assert cohort.group is not None
        assert len(np.unique(cohort.groups)) == patients
    for kind, column in cohort.media.items():
        there = np.flatnonzero(cohort.table[column].notna())
        assert cohort.open(kind, there[0]) is not None
        assert cohort.open(kind, there[-1]) is not None


def test_the_four_hospitals_have_the_patients_of_their_source(shared_data):
    cohort = read(shared_data("uci_heart_4site"), columns=FOUR, label="num > 0", domain="file")
    ill = Counter(zip(cohort.domains.tolist(), cohort.y.tolist(), strict=True))
    expected = {"cleveland": (303, 139), "hungarian": (294, 106), "switzerland": (123, 115), "va": (200, 149)}
    for site, (rows, events) in expected.items():
        found = {y: ill[d, y] for d, y in ill if site in d}
        assert found == {1: events, 0: rows - events}


def test_the_two_films_of_one_woman_are_one_patient(shared_data):
    cohort = read(shared_data("mammogram_mias") / "manifest.csv", image="file", label="label")
    assert cohort.group == "patient"
    assert len(np.unique(cohort.groups)) == cohort.table["patient"].nunique() < cohort.n
