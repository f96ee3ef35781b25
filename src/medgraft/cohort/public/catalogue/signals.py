"""Recordings: PhysioNet, Bonn, the time-series archive."""

from __future__ import annotations

from medgraft.cohort.public.entry import PublicSet, Remote, add
from medgraft.cohort.public.prepare import ptb_xl

_PHYSIONET = "https://physionet.org/static/published-projects"

add(
    PublicSet(
        "eegmmi",
        "EEG of 109 people who move or imagine to move",
        "10.13026/C28G6P",
        "ODC-By 1.0",
        (
            Remote(
                f"{_PHYSIONET}/eegmmidb/eeg-motor-movementimagery-dataset-1.0.0.zip",
                "eegmmidb.zip",
                unpack=True,
            ),
        ),
        ("S001/S001R03.edf|S001R03.edf",),
        studies=("taghizadeh2024",),
        home="https://physionet.org/content/eegmmidb/1.0.0/",
        note="The recordings of the subjects 88, 92 and 100 have another rate or other timings.",
    )
)
add(
    PublicSet(
        "ptb_xl",
        "21,799 12-lead ECGs of 18,869 patients (PTB-XL 1.0.3)",
        "10.13026/kfzx-aw45",
        "CC BY 4.0",
        (
            Remote(
                f"{_PHYSIONET}/ptb-xl/ptb-xl-a-large-publicly-available-electrocardiography-dataset-1.0.3.zip",
                "ptb-xl.zip",
                unpack=True,
            ),
        ),
        ("ptbxl_database.csv", "scp_statements.csv", "records100"),
        prepare=ptb_xl,
        roles={
            "signal": "signal",
            "label": "superclass",
            "group": "patient_id",
            "domain": "device",
            "protected": ("age", "sex"),
        },
        studies=("moran2024",),
        home="https://physionet.org/content/ptb-xl/1.0.3/",
        note="An age of 300 means over 89.",
    )
)
add(
    PublicSet(
        "mitdb",
        "48 half-hour ECGs with every beat marked (MIT-BIH arrhythmia)",
        "10.13026/C2F305",
        "ODC-By 1.0",
        (Remote(f"{_PHYSIONET}/mitdb/mit-bih-arrhythmia-database-1.0.0.zip", "mitdb.zip", unpack=True),),
        ("100.hea", "100.dat", "100.atr"),
        studies=("moran2024",),
        home="https://physionet.org/content/mitdb/1.0.0/",
        note="The records 201 and 202 are of one person.",
    )
)
_BONN = {
    "Z": "bb2c41b0-6c8b-4c9c-b7c0-62f4f87c9b48",
    "O": "ca3563e5-09bb-4373-84b3-c707e724432a",
    "N": "8b2c6173-2538-41ac-bff9-d569755ade66",
    "F": "91342498-960f-410f-9df8-42f3c4da2b45",
    "S": "500b0f1d-aa9b-49c2-abd8-0410acd4b86c",
}
add(
    PublicSet(
        "bonn_eeg",
        "500 segments of EEG, healthy to seizure (Bonn)",
        "10.1103/PhysRevE.64.061907",
        "CC BY 4.0",
        tuple(
            Remote(
                f"https://repositori.upf.edu/server/api/core/bitstreams/{key}/content",
                f"{letter}.zip",
                unpack=True,
                into=letter,
            )
            for letter, key in _BONN.items()
        ),
        tuple(f"{letter}001.txt|{letter}001.TXT" for letter in _BONN),
        studies=("wang2023",),
        home="https://doi.org/10.34810/data490",
        note="Which segment is of which of the five people in each set is not published.",
    )
)
add(
    PublicSet(
        "ecg5000",
        "5,000 heartbeats of one patient with heart failure",
        "10.13026/C29G60",
        "stated by no licence; the recording is ODC-By 1.0 at PhysioNet",
        (
            Remote(
                "https://www.timeseriesclassification.com/aeon-toolkit/ECG5000.zip",
                "ECG5000.zip",
                unpack=True,
            ),
        ),
        ("ECG5000_TRAIN.txt",),
        data="ECG5000_TRAIN.txt",
        roles={"label": "column_1", "task": "multiclass"},
        studies=("moran2024",),
        restricted=True,
        home="https://www.timeseriesclassification.com/description.php?Dataset=ECG5000",
        note="One patient: nothing learnt from it can be tested on another.",
    )
)
