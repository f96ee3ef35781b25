"""Tables of the UCI Machine Learning Repository."""

from __future__ import annotations

from typing import Any

from medgraft.cohort.public.entry import PublicSet, Remote, add
from medgraft.cohort.public.prepare import implants

_CC_BY = "CC BY 4.0"
_HEART = (
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
)
_CYTOLOGY = ("id", "clump_thickness", "cell_size", "cell_shape", "adhesion", "epithelial_size", "bare_nuclei")


def _uci(
    number: int, file: str, name: str, title: str, doi: str, layout: tuple[str, ...], **more: Any
) -> None:
    address = f"https://archive.ics.uci.edu/static/public/{number}/{file}.zip"
    add(
        PublicSet(
            name,
            title,
            f"10.24432/{doi}",
            _CC_BY,
            (Remote(address, f"{name}.zip", unpack=True),),
            layout,
            home=f"https://archive.ics.uci.edu/dataset/{number}",
            **more,
        )
    )


_uci(
    45,
    "heart+disease",
    "heart",
    "Heart disease at four hospitals",
    "C52P4X",
    tuple(f"processed.{site}.data" for site in ("cleveland", "hungarian", "switzerland", "va")),
    data="processed.*.data",
    roles={"columns": (*_HEART, "thal", "num"), "label": "num > 0", "domain": "file"},
    studies=("hong2024", "xiang2024"),
    note="Cholesterol of 0 in Switzerland means not measured.",
)
add(
    PublicSet(
        "ckd",
        "Chronic kidney disease",
        "10.24432/C5G020",
        _CC_BY,
        # The archive beside it holds a .rar, which no free library unpacks.
        (Remote("https://archive.ics.uci.edu/static/public/336/data.csv", "data.csv"),),
        ("data.csv|chronic_kidney_disease_full.arff|ckd.csv",),
        data="data.csv|chronic_kidney_disease_full.arff|ckd.csv",
        roles={"label": "class", "positive": "ckd"},
        studies=("alturki2024",),
        home="https://archive.ics.uci.edu/dataset/336",
        note="Four in ten rows lack a value; all controls are healthy people, so the classes are far apart.",
    )
)
_uci(
    189,
    "parkinsons+telemonitoring",
    "parkinsons_telemonitoring",
    "Voices of 42 patients with Parkinson's disease",
    "C5ZS3N",
    ("parkinsons_updrs.data",),
    data="parkinsons_updrs.data",
    roles={"label": "total_UPDRS", "group": "subject#"},
    studies=("xue2024",),
    note=(
        "motor_UPDRS is a part of total_UPDRS: leave it out of the features. Scores between visits are "
        "interpolated."
    ),
)
_uci(
    186,
    "wine+quality",
    "wine_quality",
    "Quality of red and white wine",
    "C56S3T",
    ("winequality-red.csv", "winequality-white.csv"),
    data="winequality-*.csv",
    roles={"label": "quality", "domain": "file", "task": "regression"},
    studies=("xiang2024",),
    note="Many rows stand there twice.",
)
_uci(
    381,
    "beijing+pm2+5+data",
    "pm25_beijing",
    "Hourly fine dust in Beijing, 2010 to 2014",
    "C5JS49",
    ("PRSA_data*.csv|pollution.csv",),
    data="PRSA_data*.csv|pollution.csv",
    roles={"label": "pm2.5", "domain": "year"},
    studies=("xiang2024",),
    note="Neighbouring hours are nearly alike: split by time, not at random.",
)
_uci(
    394,
    "pm2+5+data+of+five+chinese+cities",
    "pm25_five_cities",
    "Hourly fine dust in five Chinese cities, 2010 to 2015",
    "C52K58",
    ("BeijingPM*.csv", "ChengduPM*.csv", "GuangzhouPM*.csv", "ShanghaiPM*.csv", "ShenyangPM*.csv"),
    data="BeijingPM*.csv",
    roles={"label": "PM_US Post"},
    studies=("xiang2024",),
    note=(
        "Each city has columns of its own besides PM_US Post, so one city is read; give others by their path."
    ),
)
_uci(
    15,
    "breast+cancer+wisconsin+original",
    "breast_cancer_wisconsin",
    "Cytology of breast masses, Wisconsin (original)",
    "C5HP4Z",
    ("breast-cancer-wisconsin.data",),
    data="breast-cancer-wisconsin.data",
    roles={
        "columns": (*_CYTOLOGY, "chromatin", "nucleoli", "mitoses", "class"),
        "label": "class",
        "positive": 4,
        "group": "id",
    },
    studies=("jakkaladiki2024",),
    note="Some patients have several rows.",
)
_uci(
    69,
    "molecular+biology+splice+junction+gene+sequences",
    "splice",
    "Splice junctions of primate genes",
    "C5M888",
    ("splice.data|splice.csv",),
    data="splice.csv|splice.data",
    roles={"columns": ("label", "donor", "sequence"), "label": "label", "sequence": "sequence"},
    studies=("azizian2024",),
)
_uci(
    517,
    "shoulder+implant+x+ray+manufacturer+classification",
    "shoulder_implants",
    "Shoulder implants of four makers in X-rays",
    "C5F893",
    ("*.jpg|*.png",),
    prepare=implants,
    roles={"image": "image", "label": "label"},
    studies=("alzubaidi2024",),
    note="The maker stands in the file name; one patient may have several images, which nothing tells.",
)
_uci(
    507,
    "wisdm+smartphone+and+smartwatch+activity+and+biometrics+dataset",
    "wisdm_2019",
    "Activities of 51 people by phone and watch",
    "C5HK59",
    ("arff_files/**/*.arff|*.arff|wisdm-dataset.zip",),
    studies=("roy2024",),
)
add(
    PublicSet(
        "wisdm",
        "Activities of 36 people by phone (WISDM 1.1)",
        "10.1145/1964897.1964918",
        "stated by no licence; its readme asks to cite the paper and to pass the readme on",
        (
            Remote(
                "https://www.cis.fordham.edu/wisdm/includes/datasets/latest/WISDM_ar_latest.tar.gz",
                "WISDM_ar_latest.tar.gz",
                unpack=True,
            ),
        ),
        ("WISDM_ar_v1.1_transformed.arff",),
        data="WISDM_ar_v1.1_transformed.arff",
        roles={"label": "class", "group": "user"},
        studies=("roy2024",),
        restricted=True,
        home="https://www.cis.fordham.edu/wisdm/dataset.php",
    )
)
