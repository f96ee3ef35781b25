"""Stand-ins of every kind of data, seeded, with a known domain shift and a known best accuracy.

For tests, documentation and studies whose data are closed; no substitute for patients. The same settings
and seed give the same bytes (with the same versions of the libraries that write the files)::

    from medgraft.cohort import generate

    frame = generate.table(200, 10, shift=1.0, prevalence=(0.5, 0.2))
    made = generate.images("shapes", 40, shift=1.0, rows_per_patient=3)
    made.path, made.table, made.truth.accuracy
"""

from medgraft.cohort.generate.boxes import coco, voc
from medgraft.cohort.generate.dicom_files import dicom
from medgraft.cohort.generate.edf_files import edf
from medgraft.cohort.generate.fhir_files import fhir
from medgraft.cohort.generate.nifti_files import nifti
from medgraft.cohort.generate.omics_files import h5ad, omics
from medgraft.cohort.generate.people import People
from medgraft.cohort.generate.pictures import images, medmnist
from medgraft.cohort.generate.sequence_files import sequences
from medgraft.cohort.generate.several import several
from medgraft.cohort.generate.tables import TableModel, table
from medgraft.cohort.generate.truth import Made, Truth
from medgraft.cohort.generate.wfdb_files import text_signals, wfdb

__all__ = [
    "Made",
    "People",
    "TableModel",
    "Truth",
    "coco",
    "dicom",
    "edf",
    "fhir",
    "h5ad",
    "images",
    "medmnist",
    "nifti",
    "omics",
    "sequences",
    "several",
    "table",
    "text_signals",
    "voc",
    "wfdb",
]
