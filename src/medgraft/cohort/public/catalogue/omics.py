"""Methylation, sequences and series of countries."""

from __future__ import annotations

from medgraft.cohort.public.entry import PublicSet, Remote, add

_GEO = "https://ftp.ncbi.nlm.nih.gov/geo/series"


def _series(accession: str, name: str, title: str, doi: str, label: str, note: str = "") -> None:
    file = f"{accession}_series_matrix.txt.gz"
    add(
        PublicSet(
            name,
            title,
            doi,
            "public; GEO sets no terms of its own, the submitters may",
            (Remote(f"{_GEO}/{accession[:-3]}nnn/{accession}/matrix/{file}", file),),
            (file,),
            data=file,
            roles={"label": label},
            studies=("martinezenguita2023", "gore2024"),
            restricted=True,
            home=f"https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc={accession}",
            note=note,
        )
    )


_series(
    "GSE40279",
    "gse40279",
    "Blood methylation and age of 656 people (Hannum)",
    "10.1016/j.molcel.2012.10.016",
    "age (y)",
    "450,000 sites; the matrix takes 1.3 GB on disk.",
)
_series(
    "GSE38608",
    "gse38608",
    "Brain methylation in autism and controls (27,578 sites)",
    "",
    "disease status",
    "Three brain regions of the same people.",
)
add(
    PublicSet(
        "methylclock",
        "Methylation of 16 brains and 150 cord bloods, with ages (examples of the R package methylclock)",
        "10.1093/bioinformatics/btaa825",
        "MIT",
        (),
        ("gse38608_betas.csv.gz", "gse38608_samples.csv", "progress_betas.csv", "progress_samples.csv"),
        data="progress_betas.csv",
        studies=("martinezenguita2023", "gore2024"),
        home="https://github.com/isglobal-brge/methylclock",
        note="As CSV: write the R data of the package out as tables of these names.",
    )
)
add(
    PublicSet(
        "owid_covid",
        "COVID-19 by country and day (Our World in Data)",
        "10.1038/s41597-020-00688-8",
        "CC BY 4.0",
        (
            Remote(
                "https://raw.githubusercontent.com/owid/covid-19-data/master/public/data/owid-covid-data.csv",
                "owid-covid-data.csv",
            ),
        ),
        ("owid-covid-data*.csv",),
        data="owid-covid-data*.csv",
        roles={"label": "new_deaths_per_million", "group": "location", "domain": "continent", "time": "date"},
        studies=("amiri2024",),
        home="https://github.com/owid/covid-19-data",
        note="No longer updated since August 2024. Rows such as 'World' sum up countries.",
    )
)
add(
    PublicSet(
        "rbp",
        "Sequences that RNA-binding proteins bind or not (DeepMiRBP)",
        "",
        "stated by no licence",
        (
            Remote(
                "https://github.com/sbbi-unl/DeepmiRBP/archive/refs/heads/main.zip",
                "deepmirbp.zip",
                unpack=True,
            ),
        ),
        ("RBP-Data/AGO1*.fa|AGO1.txt",),
        data="RBP-Data/AGO1*.fa|AGO1.txt",
        studies=("azizian2024",),
        restricted=True,
        home="https://github.com/sbbi-unl/DeepmiRBP",
        note="One protein is read; the others lie beside it.",
    )
)
