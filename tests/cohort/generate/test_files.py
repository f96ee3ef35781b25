"""Generated files are the same for the same seed, and the field's own libraries read what they say."""

from __future__ import annotations

import gzip
import hashlib
import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import generate

MAKERS = {
    "images": lambda p, s: generate.images(p, 6, size=32, masks=True, shift=1, seed=s),
    "jpg": lambda p, s: generate.images(p, 6, file="jpg", colour=True, layout="folders", seed=s),
    "dicom": lambda p, s: generate.dicom(p, 2, size=16, slices=3, seed=s),
    "dicom-rle": lambda p, s: generate.dicom(p, 1, size=16, slices=2, syntax="rle", seed=s),
    "dicom-frames": lambda p, s: generate.dicom(p, 1, size=16, multiframe=True, syntax="deflated", seed=s),
    "nifti": lambda p, s: generate.nifti(p, 2, size=16, seed=s),
    "edf": lambda p, s: generate.edf(p, 2, epochs=3, seed=s),
    "wfdb": lambda p, s: generate.wfdb(p, 2, beats=5, seed=s),
    "text_signals": lambda p, s: generate.text_signals(p, 4, length=64, seed=s),
    "sequences": lambda p, s: generate.sequences(p / "a.fasta", 5, seed=s),
    "omics": lambda p, s: generate.omics(p / "a.csv.gz", 6, 30, missing=0.1, seed=s),
    "h5ad": lambda p, s: generate.h5ad(p / "a.h5ad", 6, 30, seed=s),
    "h5ad-sparse": lambda p, s: generate.h5ad(p / "a.h5ad", 6, 30, sparse=True, seed=s),
    "fhir": lambda p, s: generate.fhir(p, 6, visits=2, missing=0.2, seed=s),
    "medmnist": lambda p, s: generate.medmnist(p / "a.npz", 20, seed=s),
    "voc": lambda p, s: generate.voc(p, 2, size=64, seed=s),
    "coco": lambda p, s: generate.coco(p, 2, size=64, seed=s),
    "several": lambda p, s: generate.several(p, 6, seed=s),
}


def _bytes(root):
    files = sorted(p for p in root.rglob("*") if p.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_seed_writes_the_same_bytes_on_another_day(name, tmp_path, monkeypatch):
    import time

    MAKERS[name](tmp_path / "a", 1)
    later = time.time() + 40 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    MAKERS[name](tmp_path / "b", 1)
    MAKERS[name](tmp_path / "c", 2)
    a, b, c = (_bytes(tmp_path / k) for k in "abc")
    assert a == b and len(a) > 0
    assert set(a.values()) != set(c.values())


@pytest.mark.parametrize("name", MAKERS)
def test_the_table_of_what_was_made_has_the_patients_and_both_sites_in_the_truth(name, tmp_path):
    made = MAKERS[name](tmp_path, 1)
    assert {"patient", "site", "label"} <= set(made.table.columns)
    assert made.truth.sites == ("a", "b") and set(made.truth.accuracy) == {"a", "b"}
    assert made.path.exists()


def test_sites_differ_in_brightness_contrast_and_border_as_said(tmp_path):
    made = generate.images(tmp_path, 30, content="texture", shift=1.0, size=100)
    stats = {"a": [], "b": []}
    for row in made.table.itertuples():
        pixels = np.asarray(Image.open(tmp_path / row.file)) / 255
        border = made.truth.changes[row.site]["border"]
        assert border == {"a": 0, "b": 8}[row.site]
        if border:
            assert pixels[:border].max() == pixels[:, -border:].max() == 0
            assert pixels[border].max() > 0
        inside = pixels[border : 100 - border, border : 100 - border]
        stats[row.site].append((inside.mean(), inside.std()))
    (mean_a, std_a), (mean_b, std_b) = (np.mean(stats[s], axis=0) for s in "ab")
    assert mean_b == pytest.approx(0.5 + 0.6 * (mean_a - 0.5) + 0.15, abs=0.01)
    assert std_b / std_a == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("file", ["png", "png16", "tif", "tif16", "bmp", "pgm", "jpg"])
def test_images_of_every_file_kind_open_with_their_depth(file, tmp_path):
    made = generate.images(tmp_path, 2, file=file, size=20)
    with Image.open(tmp_path / made.table["file"][0]) as image:
        values = np.asarray(image)
    assert values.shape == (20, 20)
    assert values.dtype == (np.uint16 if "16" in file else np.uint8)
    assert (256 < values.max() <= 4095) if "16" in file else values.max() > 100


def test_the_content_tells_the_class_and_masks_outline_the_shape(tmp_path):
    made = generate.images(tmp_path, 40, masks=True)
    for row in made.table.itertuples():
        pixels = np.asarray(Image.open(tmp_path / row.file)).astype(float)
        mask = np.asarray(Image.open(tmp_path / row.mask)) > 0
        assert pixels[mask].mean() - pixels[~mask].mean() == pytest.approx(0.3 * 255, abs=3)
        box = mask[np.ix_(mask.any(axis=1), mask.any(axis=0))]
        # A disk fills pi / 4 of its box, a square all of it.
        assert box.mean() == pytest.approx(np.pi / 4 if row.shown == "healthy" else 1.0, abs=0.06)


def test_dicom_series_sort_into_the_phantom_that_was_asked_for(tmp_path):
    import pydicom

    made = generate.dicom(tmp_path, 4, size=32, slices=5, shift=1.0)
    for row in made.table.itertuples():
        files = sorted((tmp_path / row.file).glob("*.dcm"))
        slices = [pydicom.dcmread(f) for f in files]
        positions = [float(d.ImagePositionPatient[2]) for d in slices]
        assert sorted(positions) == [0, 5, 10, 15, 20]
        assert {d.PatientID for d in slices} == {row.patient} and len(
            {d.SeriesInstanceUID for d in slices}
        ) == 1
        assert len({d.SOPInstanceUID for d in slices}) == 5
        assert all("FICTIONAL" in str(d.PatientName) for d in slices)
        d = max(slices, key=lambda d: np.std(d.pixel_array))
        hu = d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept)
        offset = made.truth.changes[row.site]["offset"]
        assert hu[0, 0] == pytest.approx(-1000 + offset, abs=60)
        assert hu.max() == pytest.approx(900 + offset, abs=60)
        assert float(d.PixelSpacing[0]) == made.truth.changes[row.site]["spacing"]
        assert d.Manufacturer == f"Maker {row.site}"
    assert any(
        [float(pydicom.dcmread(f).ImagePositionPatient[2]) for f in sorted((tmp_path / s).glob("*.dcm"))]
        != [0, 5, 10, 15, 20]
        for s in made.table["file"]
    )


def test_every_transfer_syntax_holds_the_same_pixels(tmp_path):
    import pydicom

    found = []
    for syntax in ("explicit", "implicit", "big", "deflated", "rle"):
        generate.dicom(tmp_path / syntax, 1, size=16, slices=2, syntax=syntax)
        files = sorted((tmp_path / syntax).rglob("*.dcm"))
        found.append(np.stack([pydicom.dcmread(f).pixel_array for f in files]))
    assert all((values == found[0]).all() for values in found)
    generate.dicom(tmp_path / "frames", 1, size=16, slices=2, multiframe=True)
    d = pydicom.dcmread(tmp_path / "frames/P0001_1/all.dcm")
    assert d.NumberOfFrames == 2 and {a.tobytes() for a in d.pixel_array} == {a.tobytes() for a in found[0]}


def test_an_inverted_dicom_and_a_burned_in_bar_are_declared(tmp_path):
    import pydicom

    generate.dicom(tmp_path, 1, size=16, slices=1, inverted=True, burned_in=True)
    d = pydicom.dcmread(next(tmp_path.rglob("*.dcm")))
    assert d.PhotometricInterpretation == "MONOCHROME1" and d.BurnedInAnnotation == "YES"
    assert d.pixel_array.min() == d.pixel_array[3, 3] == -1000


def test_nifti_label_maps_have_the_true_volume_in_every_orientation(tmp_path):
    import nibabel as nib

    made = generate.nifti(tmp_path, 8, size=40, orientations=("RAS", "LIP"), spacing=(1, 1.2, 2))
    codes = set()
    for row in made.table.itertuples():
        image, mask = nib.load(tmp_path / row.file), nib.load(tmp_path / row.mask)
        assert image.shape == mask.shape and (image.affine == mask.affine).all()
        codes.add("".join(nib.aff2axcodes(image.affine)))
        labels = nib.as_closest_canonical(mask).get_fdata()
        canonical = nib.as_closest_canonical(image)
        assert canonical.header.get_zooms() == pytest.approx((1, 1.2, 2))
        assert canonical.shape == (40, 36, 32)
        voxel = np.prod(canonical.header.get_zooms())
        assert (labels == 1).sum() * voxel == pytest.approx(row.organ_mm3, rel=0.03)
        assert (labels == 2).sum() * voxel == pytest.approx(row.lesion_mm3, rel=0.1)
        assert (row.lesion_mm3 > 0) == (row.shown == "ill")
        assert canonical.get_fdata()[labels == 1].mean() == pytest.approx(300, abs=5)
    assert codes == {"RAS", "LIP"}


def test_mne_reads_the_rhythms_and_annotations_of_an_edf(tmp_path):
    mne = pytest.importorskip("mne")
    made = generate.edf(
        tmp_path, 2, epochs=6, seconds=2, rates=(128, 200), channels=(("C3", "C4"), ("Fz",)), shift=1.0
    )
    for file, own in made.table.groupby("file"):
        raw = mne.io.read_raw_edf(tmp_path / file, preload=True, verbose="error")
        at_b = own["site"].iloc[0] == "b"
        assert raw.info["sfreq"] == (200 if at_b else 128)
        assert raw.ch_names == (["EEG Fz"] if at_b else ["EEG C3", "EEG C4"])
        assert raw.annotations.onset.tolist() == own["start"].tolist()
        assert raw.annotations.description.tolist() == own["event"].tolist()
        assert set(raw.annotations.duration) == {2.0}
        assert raw.times[-1] + 1 / raw.info["sfreq"] == 12
        for epoch in own.itertuples():
            x = raw.copy().crop(epoch.start, epoch.start + 2, include_tmax=False).get_data()[0] * 1e6
            power = np.abs(np.fft.rfft(x))
            frequency = np.fft.rfftfreq(len(x), 1 / raw.info["sfreq"])
            low = frequency < 40
            assert frequency[low][power[low].argmax()] == (8 if epoch.shown == "healthy" else 14)
            # Rhythm, noise, and at the second site twice as large with mains hum of 10 microvolts.
            expected = np.sqrt(4 * (20**2 + 10**2) + 10**2) if at_b else np.sqrt(20**2 + 10**2)
            assert x.std() == pytest.approx(expected, rel=0.12)


def test_wfdb_reads_the_beats_where_they_are(tmp_path):
    wfdb = pytest.importorskip("wfdb")
    made = generate.wfdb(tmp_path, 3, beats=12, shift=1.0, prevalence=0.25)
    for file, own in made.table.groupby("file"):
        name = str(tmp_path / file.removesuffix(".hea"))
        record, marks = wfdb.rdrecord(name), wfdb.rdann(name, "atr")
        assert marks.sample.tolist() == own["sample"].tolist()
        assert marks.symbol == own["label"].tolist()
        assert record.fs == 250 and record.sig_name == ["MLII", "V5"] and record.units == ["mV", "mV"]
        wander = 0.3 if own["site"].iloc[0] == "b" else 0
        gain = 1.5 if own["site"].iloc[0] == "b" else 1.0
        for beat in own.itertuples():
            around = record.p_signal[beat.sample - 40 : beat.sample + 40, 0]
            height = {"N": 1.0, "V": 1.2}[beat.shown] * gain
            assert around.max() == pytest.approx(height, abs=0.15 + wander)
            assert abs(int(around.argmax()) - 40) <= 3
    assert (made.table["label"] == "V").mean() == pytest.approx(0.25, abs=0.03)


def test_text_signals_hold_one_whole_number_per_line_and_the_rhythm_of_their_class(tmp_path):
    made = generate.text_signals(tmp_path, 6, length=1024, rate=128)
    for row in made.table.itertuples():
        x = np.loadtxt(tmp_path / row.file)
        assert len(x) == 1024 and (x == x.astype(int)).all()
        peak = np.fft.rfftfreq(1024, 1 / 128)[np.abs(np.fft.rfft(x)).argmax()]
        assert peak == (6 if row.shown == "healthy" else 12)
        assert row.file.startswith(row.label)


def test_only_the_last_class_carries_the_motif_beyond_chance(tmp_path):
    made = generate.sequences(tmp_path / "s.fasta", 4000, shift=2.0)
    has = made.table["sequence"].str.contains("TGTAAATA")
    ill = made.table["shown"] == "ill"
    assert has[ill].all()
    assert has[~ill].mean() < 0.004  # expected 0.0014 at the first site, less at the second
    text = "".join(made.table.loc[(made.table["site"] == "b") & ~ill, "sequence"])
    # C and G are three times as frequent: 2 * 3 / (2 * 3 + 2) of all letters.
    assert (text.count("C") + text.count("G")) / len(text) == pytest.approx(0.75, abs=0.01)
    assert made.truth.changes["b"]["frequency"]["C"] == pytest.approx(0.375)


def test_fasta_and_text_hold_the_sequences_of_the_table(tmp_path):
    fasta = generate.sequences(tmp_path / "s.fasta", 5, rows_per_patient=2)
    parts = [p.split("\n") for p in fasta.path.read_text().split(">")[1:]]
    assert ["".join(p[1:]) for p in parts] == fasta.table["sequence"].tolist()
    assert [f"label={label}" in p[0] for p, label in zip(parts, fasta.table["label"], strict=True)] == [
        True
    ] * 10
    assert len({p[0].split()[0] for p in parts}) == 10
    text = generate.sequences(tmp_path / "s.txt", 5, file="text", alphabet="ACGU", motif="UGUA")
    lines = [line.split("\t") for line in text.path.read_text().splitlines()]
    assert [s for s, _ in lines] == text.table["sequence"].tolist()
    assert [int(k) for _, k in lines] == (text.table["label"] == "ill").astype(int).tolist()


@pytest.mark.parametrize("orientation", ["probes", "samples"])
def test_omics_have_their_effects_where_the_truth_says(tmp_path, orientation):
    made = generate.omics(
        tmp_path / "m.csv.gz", 200, 300, orientation=orientation, shift=0.5, missing=0.05, informative=30
    )
    frame = pd.read_csv(made.path, index_col=0)
    frame = frame.T if orientation == "samples" else frame
    assert frame.shape == (300, 200) and frame.columns.tolist() == made.table["sample"].tolist()
    assert frame.index[0] == "cg00000001" and frame.index[-1] == "cg00000300"
    assert frame.isna().to_numpy().mean() == pytest.approx(0.05, abs=0.005)
    beta = frame.to_numpy().clip(1e-4, 1 - 1e-4)
    m = np.log2(beta / (1 - beta))
    ill, at_b = (made.table["shown"] == "ill").to_numpy(), (made.table["site"] == "b").to_numpy()
    gap = np.nanmean(m[:, ill & ~at_b], axis=1) - np.nanmean(m[:, ~ill & ~at_b], axis=1)
    slopes = made.truth.coefficients["a"]
    assert (slopes != 0).sum() == 30
    assert np.abs(gap[slopes == 0]).mean() < 0.15 and np.corrcoef(gap, slopes)[0, 1] > 0.9
    batch = np.nanmean(m[:, at_b], axis=1) - np.nanmean(m[:, ~at_b], axis=1)
    assert batch.std() == pytest.approx(0.5, abs=0.08)


def test_both_orientations_and_compression_hold_the_same_numbers(tmp_path):
    a = generate.omics(tmp_path / "a.csv", 5, 5000, missing=0.1)
    b = generate.omics(tmp_path / "b.csv.gz", 5, 5000, missing=0.1, orientation="samples")
    assert gzip.decompress(b.path.read_bytes()).startswith(b"sample,cg00000001,")
    wide, long = pd.read_csv(b.path, index_col=0), pd.read_csv(a.path, index_col=0)
    assert np.array_equal(wide.to_numpy().T, long.to_numpy(), equal_nan=True)
    samples = pd.read_csv(tmp_path / "a_samples.csv")
    assert samples["sample"].tolist() == long.columns.tolist()


def test_h5ad_dense_and_sparse_hold_the_same_counts_in_anndata_s_layout(tmp_path):
    h5py = pytest.importorskip("h5py")
    from scipy.sparse import csr_matrix

    dense = generate.h5ad(tmp_path / "d.h5ad", 12, 200)
    sparse = generate.h5ad(tmp_path / "s.h5ad", 12, 200, sparse=True)
    with h5py.File(dense.path) as d, h5py.File(sparse.path) as s:
        x = s["X"]
        assert x.attrs["encoding-type"] == "csr_matrix" and tuple(x.attrs["shape"]) == (12, 200)
        rebuilt = csr_matrix((x["data"][:], x["indices"][:], x["indptr"][:]), shape=(12, 200)).toarray()
        assert (rebuilt == d["X"][:]).all() and (rebuilt == np.rint(rebuilt)).all()
        assert 0.3 < (rebuilt == 0).mean() < 0.7
        obs = d["obs"]
        labels = obs["label/categories"].asstr()[:][obs["label/codes"][:]]
        assert labels.tolist() == dense.table["label"].tolist()
        assert obs["_index"].asstr()[:].tolist() == dense.table["sample"].tolist()
        assert list(obs.attrs["column-order"]) == ["patient", "site", "label", "sex", "age"]
        assert d["var/_index"].shape == (200,)


def test_fhir_resources_refer_to_each_other_and_carry_the_table(tmp_path):
    made = generate.fhir(tmp_path, 20, visits=2, prevalence=0.4)

    def rows(kind):
        return [json.loads(line) for line in (tmp_path / f"{kind}.ndjson").read_text().splitlines()]

    patients = {p["id"]: p for p in rows("Patient")}
    table = made.table.set_index("patient")
    assert set(patients) == set(table.index)
    ill = {c["subject"]["reference"].removeprefix("Patient/") for c in rows("Condition")}
    assert ill == set(table.index[table["label"] == "ill"]) and len(ill) == 8
    observations = rows("Observation")
    assert len(observations) == 20 * 6 * 2 and len({o["id"] for o in observations}) == 240
    for o in observations[:50]:
        who = o["subject"]["reference"].removeprefix("Patient/")
        assert o["valueQuantity"]["value"] == table.loc[who, o["code"]["coding"][0]["code"]]
        assert patients[who]["managingOrganization"]["reference"] == f"Organization/{table.loc[who, 'site']}"


def test_fhir_leaves_out_what_is_missing(tmp_path):
    made = generate.fhir(tmp_path, 50, missing=0.3)
    lines = (tmp_path / "Observation.ndjson").read_text().splitlines()
    assert len(lines) == made.table[[c for c in made.table if "-" in c]].notna().to_numpy().sum() < 300


def test_medmnist_holds_whole_patients_in_each_split(tmp_path):
    made = generate.medmnist(tmp_path / "m.npz", 50, rows_per_patient=3, colour=True)
    with np.load(made.path, allow_pickle=False) as file:
        assert set(file) == {f"{s}_{w}" for s in ("train", "val", "test") for w in ("images", "labels")}
        assert file["train_images"].shape == (105, 28, 28, 3) and file["train_images"].dtype == np.uint8
        assert file["val_labels"].shape == (15, 1) and len(file["test_images"]) == 30
        for row in made.table.itertuples():
            array, k = row.file.split(";row=")
            label = file[array.replace("images", "labels")][int(k), 0]
            assert made.truth.classes[label] == row.label
    split = made.table["file"].str.split("_").str[0]
    assert split.groupby(made.table["patient"]).nunique().max() == 1


def _dark(path, box):
    pixels = np.asarray(Image.open(path).convert("L")).astype(float)
    xmin, ymin, xmax, ymax = box
    return pixels, pixels[ymin:ymax, xmin:xmax]


def test_voc_boxes_hold_the_cells_to_the_pixel(tmp_path):
    made = generate.voc(tmp_path, 3)
    found = []
    for xml in sorted((tmp_path / "Annotations").glob("*.xml")):
        root = ET.parse(xml).getroot()
        for cell in root.iter("object"):
            box = [int(cell.find(f"bndbox/{k}").text) for k in ("xmin", "ymin", "xmax", "ymax")]
            name = f"JPEGImages/{root.find('filename').text}"
            found.append((name, cell.find("name").text, box[0] - 1, box[1] - 1, box[2], box[3]))
    columns = ["file", "label", "xmin", "ymin", "xmax", "ymax"]
    assert found == list(made.table[columns].itertuples(index=False, name=None))
    for row in made.table.itertuples():
        box = (row.xmin, row.ymin, row.xmax, row.ymax)
        pixels, inside = _dark(tmp_path / row.file, box)
        assert inside.min(axis=1).max() < 0.6 * np.median(pixels)  # every line of the box meets the cell
        outside = pixels[max(0, row.ymin - 3) : row.ymax + 3, max(0, row.xmin - 3) : row.xmin - 1]
        assert outside.mean() > 0.8 * np.median(pixels)


def test_coco_holds_the_boxes_of_voc(tmp_path):
    voc, coco = generate.voc(tmp_path / "v", 3), generate.coco(tmp_path / "c", 3)
    content = json.loads((tmp_path / "c/annotations.json").read_text())
    files = {i["id"]: i["file_name"] for i in content["images"]}
    names = {c["id"]: c["name"] for c in content["categories"]}
    found = [
        (files[a["image_id"]], names[a["category_id"]], *a["bbox"][:2], a["bbox"][0] + a["bbox"][2])
        for a in content["annotations"]
    ]
    expected = [
        (t.file.split("/")[1], t.label, t.xmin, t.ymin, t.xmax) for t in voc.table.itertuples(index=False)
    ]
    assert found == expected and len(coco.table) == len(found)


def test_a_cohort_of_several_kinds_has_gaps_and_no_files_for_them(tmp_path):
    made = generate.several(tmp_path, 200, absent=0.25, size=16)
    manifest = pd.read_csv(tmp_path / "manifest.csv")
    for column in ("image", "sequence", "marker"):
        assert manifest[column].isna().mean() == pytest.approx(0.25, abs=0.1)
    assert (manifest["image"].notna() | manifest["sequence"].notna()).all()
    written = {f"images/{p.name}" for p in (tmp_path / "images").iterdir()}
    assert written == set(manifest["image"].dropna())
    means = made.table.groupby("shown")["marker"].mean()
    assert means["ill"] - means["healthy"] == pytest.approx(2, abs=0.5)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["images", "manifest.csv"]


@pytest.mark.parametrize(
    "make",
    [
        lambda p: generate.images(p, 4, file="gif"),
        lambda p: generate.images(p, 4, content="sound"),
        lambda p: generate.images(p, 4, colour=True, file="png16"),
        lambda p: generate.dicom(p, 1, syntax="zip"),
        lambda p: generate.nifti(p, 1, classes=("a", "b", "c")),
        lambda p: generate.edf(p, 1, seconds=0.3),
        lambda p: generate.edf(p, 1, rates=(10,)),
        lambda p: generate.wfdb(p, 1, classes=("N", "Q")),
        lambda p: generate.sequences(p / "a", 2, motif="XXX"),
        lambda p: generate.omics(p / "a.csv", 2, 5, informative=9),
        lambda p: generate.omics(p / "a.csv", 2, 50, orientation="up"),
        lambda p: generate.fhir(p, 2, n_features=7),
        lambda p: generate.voc(p, 2, cells=12),
        lambda p: generate.several(p, 2, absent=1.0),
        lambda p: generate.images(p, 2, noise=2.0),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(make, tmp_path):
    with pytest.raises(MedgraftError, match=r"[.?]$"):
        make(tmp_path)
    assert list(tmp_path.iterdir()) == []
