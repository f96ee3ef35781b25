"""Images from their publishers' own servers."""

from __future__ import annotations

from medgraft.cohort.public.cheng import brain_tumour_cheng
from medgraft.cohort.public.entry import PublicSet, Remote, add
from medgraft.cohort.public.prepare import isic_2019, mias

_DATAVERSE = "https://dataverse.harvard.edu/api/access/datafile"
_ISIC = "https://isic-challenge-data.s3.amazonaws.com/2019"

add(
    PublicSet(
        "ham10000",
        "10,015 dermatoscopic images of 7 diagnoses",
        "10.7910/DVN/DBW86T",
        "CC BY-NC 4.0",
        (
            Remote(f"{_DATAVERSE}/3172582?format=original", "HAM10000_metadata.csv"),
            Remote(f"{_DATAVERSE}/3172585", "part_1.zip", unpack=True, into="images"),
            Remote(f"{_DATAVERSE}/3172584", "part_2.zip", unpack=True, into="images"),
        ),
        ("HAM10000_metadata*|metadata.csv", "ISIC_*.jpg"),
        data="HAM10000_metadata.csv|HAM10000_metadata*|metadata.csv",
        roles={
            "image": "image_id",
            "label": "dx",
            "group": "lesion_id",
            "protected": ("age", "sex"),
        },
        studies=("houssein2024", "djaroudib2024", "alnuaimi2024"),
        restricted=True,
        home="https://doi.org/10.7910/DVN/DBW86T",
        note="One lesion has up to six images: they are kept together by lesion_id.",
    )
)
add(
    PublicSet(
        "isic_2019",
        "25,331 dermatoscopic images of 8 diagnoses",
        "10.1038/sdata.2018.161",
        "CC BY-NC 4.0",
        (
            Remote(f"{_ISIC}/ISIC_2019_Training_GroundTruth.csv", "ISIC_2019_Training_GroundTruth.csv"),
            Remote(f"{_ISIC}/ISIC_2019_Training_Metadata.csv", "ISIC_2019_Training_Metadata.csv"),
            Remote(f"{_ISIC}/ISIC_2019_Training_Input.zip", "ISIC_2019_Training_Input.zip", unpack=True),
        ),
        ("ISIC_2019_Training_GroundTruth.csv", "ISIC_2019_Training_Input/ISIC_*.jpg"),
        prepare=isic_2019,
        roles={"image": "image", "label": "label", "group": "lesion_id"},
        studies=("houssein2024",),
        restricted=True,
        home="https://challenge.isic-archive.com/data/#2019",
        note="Holds the images of HAM10000.",
    )
)
add(
    PublicSet(
        "mias",
        "322 mammograms (mini-MIAS)",
        "",
        "research only, no sale; the set's own licence agreement",
        (Remote("http://peipa.essex.ac.uk/pix/mias/all-mias.tar.gz", "all-mias.tar.gz", unpack=True),),
        ("mdb001.*", "Info.txt|README"),
        prepare=mias,
        roles={"image": "image", "label": "label", "group": "patient"},
        studies=("benbakreti2024",),
        restricted=True,
        home="http://peipa.essex.ac.uk/info/mias.html",
        note="The films 2k-1 and 2k are the two breasts of one woman.",
    )
)
add(
    PublicSet(
        "glas",
        "165 glands of the colon, benign or malignant (GlaS, Warwick-QU)",
        "10.1016/j.media.2016.08.008",
        "research only; the challenge's terms",
        (
            Remote(
                "https://warwick.ac.uk/fac/cross_fac/tia/data/glascontest/download/"
                "warwick_qu_dataset_released_2016_07_08.zip",
                "glas.zip",
                md5="495b2a9f3d694545fbec06673fb3f40f",
                unpack=True,
            ),
        ),
        ("Grade.csv", "train_1.bmp"),
        data="Grade.csv",
        roles={"image": "name", "label": "grade (GlaS)", "group": "patient ID"},
        studies=("ragab2023crc",),
        restricted=True,
        home="https://warwick.ac.uk/fac/cross_fac/tia/data/glascontest",
    )
)
add(
    PublicSet(
        "brain_tumour_cheng",
        "3,064 contrast-enhanced brain MRI slices of 233 patients, 3 tumours",
        "10.6084/m9.figshare.1512427.v5",
        "CC BY 4.0",
        (
            Remote(
                "https://figshare.com/ndownloader/articles/1512427/versions/5",
                "1512427.zip",
                unpack=True,
                nested=True,
            ),
        ),
        ("1.mat", "767.mat", "1533.mat", "2299.mat"),  # the first of each of the four archives
        prepare=brain_tumour_cheng,
        roles={"image": "image", "mask": "mask", "label": "label", "group": "patient"},
        studies=("natha2024",),
        home="https://doi.org/10.6084/m9.figshare.1512427.v5",
        note="The patient is told inside each .mat file (cjdata.PID); reading them needs h5py.",
    )
)
add(
    PublicSet(
        "covid_chestxray",
        "COVID-19 image data collection",
        "10.59275/j.melba.2020-48g7",
        "stated for each image in its table; many are CC BY-NC-SA",
        (
            Remote(
                "https://github.com/ieee8023/covid-chestxray-dataset/archive/refs/heads/master.zip",
                "covid-chestxray.zip",
                unpack=True,
            ),
        ),
        ("metadata.csv", "images"),
        data="metadata.csv",
        roles={"image": "filename", "label": "finding", "group": "patientid", "skip_unreadable": True},
        only={"modality": "X-ray"},
        studies=("mohan2024", "ragab2024a", "ajani2023", "sambyal2023"),
        restricted=True,
        home="https://github.com/ieee8023/covid-chestxray-dataset",
        note="Almost no healthy people: normals from another source differ in everything else, too. Its CT "
        "slices are left out.",
    )
)
add(
    PublicSet(
        "covid_ct",
        "746 slices of chest CT, COVID-19 or not",
        "10.48550/arXiv.2003.13865",
        "stated by no licence; figures of published papers",
        (
            Remote(
                "https://github.com/UCSD-AI4H/COVID-CT/archive/refs/heads/master.zip",
                "covid-ct.zip",
                unpack=True,
                nested=True,
            ),
        ),
        ("CT_COVID", "CT_NonCOVID"),
        studies=("ajani2023",),
        restricted=True,
        home="https://github.com/UCSD-AI4H/COVID-CT",
        note="Several slices of one patient, not told apart by name.",
    )
)
add(
    PublicSet(
        "bccd",
        "364 blood smears with boxes of cells",
        "",
        "MIT",
        (
            Remote(
                "https://github.com/Shenggan/BCCD_Dataset/archive/refs/tags/v1.0.zip",
                "bccd.zip",
                unpack=True,
            ),
        ),
        ("BCCD/JPEGImages/*.jpg|images", "BCCD/Annotations/*.xml|annotations"),
        studies=("haque2024",),
        home="https://github.com/Shenggan/BCCD_Dataset",
    )
)
add(
    PublicSet(
        "hippocampus",
        "260 MR volumes of the hippocampus with labels (Decathlon task 4)",
        "10.1038/s41467-022-30695-9",
        "CC BY-SA 4.0",
        (
            Remote(
                "https://msd-for-monai.s3-us-west-2.amazonaws.com/Task04_Hippocampus.tar",
                "Task04_Hippocampus.tar",
                unpack=True,
            ),
        ),
        ("imagesTr/*.nii.gz|images/*.nii.gz", "labelsTr/*.nii.gz|labels/*.nii.gz"),
        studies=("ma2024", "khouadja2024", "kumar2024"),
        home="http://medicaldecathlon.com",
    )
)
