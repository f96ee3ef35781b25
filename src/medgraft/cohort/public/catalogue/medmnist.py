"""MedMNIST: small images and volumes of many kinds, in .npz files."""

from __future__ import annotations

from medgraft.cohort.public.entry import PublicSet, Remote, add

_RECORD = "https://zenodo.org/records/10519652/files"

# Name, what it shows, and the MD5 that the project's own package lists.
_SETS = (
    ("pathmnist", "colon pathology, 9 tissues", "a8b06965200029087d5bd730944a56c1"),
    ("chestmnist", "chest X-ray, 14 findings", "02c8a6516a18b556561a56cbdd36c4a8"),
    ("dermamnist", "dermatoscopy, 7 diseases", "0744692d530f8e62ec473284d019b0c7"),
    ("octmnist", "retinal OCT, 4 diagnoses", "c68d92d5b585d8d81f7112f81e2d0842"),
    ("pneumoniamnist", "children's chest X-ray, pneumonia or not", "28209eda62fecd6e6a2d98b1501bb15f"),
    ("retinamnist", "fundus, 5 grades of retinopathy", "bd4c0672f1bba3e3a89f0e4e876791e4"),
    ("breastmnist", "breast ultrasound, malignant or not", "750601b1f35ba3300ea97c75c52ff8f6"),
    ("bloodmnist", "blood cells, 8 types", "7053d0359d879ad8a5505303e11de1dc"),
    ("tissuemnist", "kidney cortex cells, 8 types", "ebe78ee8b05294063de985d821c1c34b"),
    ("organamnist", "abdominal CT, axial, 11 organs", "866b832ed4eeba67bfb9edee1d5544e6"),
    ("organcmnist", "abdominal CT, coronal, 11 organs", "0afa5834fb105f7705a7d93372119a21"),
    ("organsmnist", "abdominal CT, sagittal, 11 organs", "e5c39f1af030238290b9557d9503af9d"),
    ("organmnist3d", "abdominal CT volumes, 11 organs", "21f0a239e7f502e6eca33c3fc453c0b6"),
    ("nodulemnist3d", "lung nodules in CT volumes, malignant or not", "8755a7e9e05a4d9ce80a24c3e7a256f3"),
    ("adrenalmnist3d", "shapes of adrenal glands, normal or not", "bbd3c5a5576322bc4cdfea780653b1ce"),
    ("fracturemnist3d", "rib fractures in CT volumes, 3 kinds", "6aa7b0143a6b42da40027a9dda61302f"),
    ("vesselmnist3d", "shapes of brain vessels, aneurysm or not", "2ba5b80617d705141f3f85627108fce8"),
    ("synapsemnist3d", "synapses in electron microscopy, 2 kinds", "1235b78a3cd6280881dd7850a78eadb6"),
)
_STUDIES = {
    "nodulemnist3d": ("khouadja2024",),
    "pathmnist": ("ragab2023crc", "sambyal2023"),
    "pneumoniamnist": ("mohan2024",),
    "retinamnist": ("elhoseny2023",),
}

for _name, _what, _md5 in _SETS:
    add(
        PublicSet(
            _name,
            f"MedMNIST: {_what}",
            "10.1038/s41597-022-01721-8",
            "CC BY-NC 4.0" if _name == "dermamnist" else "CC BY 4.0",
            (Remote(f"{_RECORD}/{_name}.npz?download=1", f"{_name}.npz", md5=_md5),),
            (f"{_name}.npz",),
            data=f"{_name}.npz",
            studies=_STUDIES.get(_name, ()),
            restricted=_name == "dermamnist",
            home="https://medmnist.com",
            note="28 pixels a side; patients are not told apart.",
        )
    )
