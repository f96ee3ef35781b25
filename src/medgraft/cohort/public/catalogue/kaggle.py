"""Data sets on Kaggle, fetched with the user's own account."""

from __future__ import annotations

from typing import Any

from medgraft.cohort.public.entry import PublicSet, Remote, add
from medgraft.cohort.public.kaggle import competition, dataset
from medgraft.cohort.public.prepare import breakhis, c_nmc

_UNKNOWN = "as stated on its Kaggle page"


def _kaggle(
    key: str, name: str, title: str, layout: tuple[str, ...], studies: tuple[str, ...], **more: Any
) -> None:
    """Add a set; `key` is ``owner/name``, or ``competitions/name``."""
    rules = key.startswith("competitions/")
    short = key.removeprefix("competitions/")
    add(
        PublicSet(
            name,
            title,
            more.pop("doi", ""),
            more.pop("licence", _UNKNOWN),
            (
                Remote(
                    competition(short) if rules else dataset(key),
                    f"{name}.zip",
                    unpack=True,
                    nested=more.pop("nested", False),
                ),
            ),
            layout,
            studies=studies,
            restricted=True,
            home=f"https://www.kaggle.com/{key}" if rules else f"https://www.kaggle.com/datasets/{key}",
            **more,
        )
    )


_kaggle(
    "tawsifurrahman/covid19-radiography-database",
    "covid_radiography",
    "COVID-19 radiography: four classes of chest X-ray",
    ("COVID/images/*.png|COVID/*.png", "Normal/images/*.png|Normal/*.png"),
    ("mohan2024", "ajani2023"),
    doi="10.1109/ACCESS.2020.3010287",
    note="Each class comes from sources of its own, so that a network may learn the source.",
)
_kaggle(
    "masoudnickparvar/brain-tumor-mri-dataset",
    "brain_tumour_mri",
    "Brain MRI: glioma, meningioma, pituitary tumour, none",
    ("Training/glioma*", "Testing/glioma*"),
    ("natha2024", "rasa2024", "otaibi2024", "raza2024", "siddique2024"),
    data="Training",
    doi="10.34740/KAGGLE/DSV/2645886",
    note="Slices of one patient may be in both folders; some files stand there twice.",
)
_kaggle(
    "sartajbhuvaji/brain-tumor-classification-mri",
    "brain_tumour_sartaj",
    "Brain MRI: glioma, meningioma, pituitary tumour, none (3,264 slices)",
    ("Training/glioma_tumor", "Testing/glioma_tumor"),
    ("rasa2024", "siddique2024"),
    data="Training",
    note="Many labels of glioma are said to be wrong.",
)
_kaggle(
    "mohammadhossein77/brain-tumors-dataset",
    "brain_tumours_clean",
    "Brain MRI: 21,672 slices with augmented copies",
    ("**/*.jpg|**/*.png",),
    ("otaibi2024",),
    note="Seven copies of each slice are in it: a random split puts copies on both sides.",
)
_kaggle(
    "paultimothymooney/chest-xray-pneumonia",
    "chest_xray_pneumonia",
    "Children's chest X-rays, pneumonia or not",
    ("train/NORMAL/*.jpeg", "train/PNEUMONIA/*.jpeg"),
    ("mohan2024", "ragab2024a", "ajani2023"),
    data="train",
    doi="10.17632/rscbjbr9sj.2",
    licence="CC BY 4.0",
)
_kaggle(
    "mohamedhanyyy/chest-ctscan-images",
    "chest_ct",
    "Chest CT: three kinds of lung cancer, and normal",
    ("train", "test", "valid"),
    ("ansari2024",),
    data="train",
    note="Named LIDC-IDRI in the study, which has no such labels.",
)
_kaggle(
    "ambarish/breakhis",
    "breakhis",
    "BreaKHis: 7,909 histology images of 82 patients at four magnifications",
    ("SOB_B_*.png", "SOB_M_*.png"),
    ("jakkaladiki2024", "koshy2024"),
    doi="10.1109/TBME.2015.2496264",
    prepare=breakhis,
    roles={"image": "image", "label": "label", "group": "patient", "domain": "magnification"},
    note="The slide stands in the file name (SOB_B_A-14-22549AB-40-001: 14-22549AB). Letters may tell slides "
    "of one patient apart, so that year and digits (14-22549) are kept together: 70 groups, not 82.",
)
_kaggle(
    "andrewmvd/leukemia-classification",
    "c_nmc",
    "C-NMC: leukaemic and healthy cells, three folds of patients",
    ("fold_0",),
    ("haque2024",),
    prepare=c_nmc,
    roles={"image": "image", "label": "label", "group": "patient", "domain": "fold"},
    note="The patient stands in the file name (UID_11_29_1_all.bmp: 11).",
)
_kaggle(
    "jr2ngb/cataractdataset",
    "cataract",
    "601 fundus photographs: normal, cataract, glaucoma, retinal disease",
    ("1_normal", "2_cataract"),
    ("madduri2024",),
    data="1_normal/..",
)
_kaggle(
    "gunavenkatdoddi/eye-diseases-classification",
    "eye_diseases",
    "Fundus: cataract, diabetic retinopathy, glaucoma, normal",
    ("cataract", "diabetic_retinopathy", "glaucoma", "normal"),
    ("madduri2024", "raza2024", "elhoseny2023", "sambyal2023"),
    data="cataract/..",
    note=(
        "Both eyes of a person are in it (1034_left, 1034_right), and each class comes from sources of its "
        "own."
    ),
)
_kaggle(
    "tourist55/alzheimers-dataset-4-class-of-images",
    "alzheimer_mri",
    "Axial brain MRI, four stages of dementia",
    ("train/NonDemented", "test/NonDemented"),
    ("kumar2024",),
    data="train",
    note="Slices of one person are in train and test.",
)
_kaggle(
    "shubhamgoel27/dermnet",
    "dermnet",
    "DermNet: 23 groups of skin disease",
    ("train", "test"),
    ("alnuaimi2024",),
    data="train",
)
_kaggle(
    "plameneduardo/sarscov2-ctscan-dataset",
    "sars_cov2_ct",
    "2,482 slices of chest CT, COVID-19 or not",
    ("COVID", "non-COVID"),
    ("ajani2023",),
    data="non-COVID/..",
    doi="10.1101/2020.04.24.20078584",
    note="Slices of 120 patients, not told apart.",
)
_kaggle(
    "msambare/fer2013",
    "fer2013",
    "35,887 faces of seven emotions",
    ("train/angry", "test/angry"),
    ("espinosalinas2024",),
    data="train",
)
_kaggle(
    "competitions/aptos2019-blindness-detection",
    "aptos2019",
    "3,662 fundus photographs, five grades of retinopathy",
    ("train.csv", "train_images"),
    ("elhoseny2023", "sambyal2023"),
    data="train.csv",
    roles={"image": "id_code", "label": "diagnosis", "task": "multiclass"},
    licence="the competition's rules, to be accepted on its page",
)
_kaggle(
    "competitions/histopathologic-cancer-detection",
    "histopathologic_cancer",
    "220,025 patches of lymph nodes, tumour or not",
    ("train_labels.csv", "train"),
    ("sambyal2023",),
    data="train_labels.csv",
    roles={"image": "id", "label": "label"},
    licence="the competition's rules, to be accepted on its page",
)
