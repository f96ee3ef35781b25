"""Steps compose, are parsed from text, and report what they did."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medgraft.base import MedgraftError
from medgraft.cohort import quality
from medgraft.cohort.quality import Report, Steps, difference_hash, drop_duplicates

IMAGE = np.pad(np.random.default_rng(0).integers(60, 200, (30, 40)).astype(np.uint8), 5)


def test_text_becomes_steps_with_their_settings_and_back():
    steps = Steps.parse(" clahe:clip=0.02,tiles=4 , percentile_stretch,median: size=5")
    assert [(s.name, settings) for s, settings in steps.plan] == [
        ("clahe", {"clip": 0.02, "tiles": 4}),
        ("percentile_stretch", {}),
        ("median", {"size": 5}),
    ]
    assert (
        str(Steps.parse(str(steps)))
        == str(steps)
        == "clahe:clip=0.02,tiles=4,percentile_stretch,median:size=5"
    )


def test_steps_are_the_functions_one_after_the_other():
    steps = Steps(["crop_border", ("median", {"size": 3}), "percentile_stretch"])
    by_hand = quality.percentile_stretch(quality.median(quality.crop_border(IMAGE), 3))
    assert (steps(IMAGE) == by_hand).all()
    images, _ = steps.apply([IMAGE])
    assert (images[0] == by_hand).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clahee", "Did you mean 'clahe'"),
        ("clahe:clop=1", "Did you mean 'clip'"),
        ("clahe:clip", "name=value"),
        ("clahe:clip=a lot", "needs a number for clip"),
        ("", "No quality step is named"),
        ("tiles=4", "no quality step 'tiles=4'"),
        ("median:image=3", "no setting 'image'"),
    ],
)
def test_unknown_names_and_odd_values_are_refused_in_a_sentence(text, said):
    with pytest.raises(MedgraftError, match=said):
        Steps.parse(text)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text):
    try:
        Steps.parse(text)
    except MedgraftError:
        return
    assert str(Steps.parse(str(Steps.parse(text)))) == str(Steps.parse(text))


def test_the_report_has_the_share_of_pixels_and_the_box_of_every_image():
    plain = np.full((40, 50), 100, np.uint8)
    speck = plain.copy()
    speck[7, 7] = 255
    images, report = Steps(["crop_border", "median"]).apply([IMAGE, plain, speck])
    assert report.kept == (0, 1, 2) and report.dropped == ()
    assert report.changed["crop_border"] == (pytest.approx(1 - 1200 / 2000), 0, 0)
    assert report.changed["median"][1:] == (0, 1 / 2000)
    box = report.boxes["crop_border"][0]
    assert (box.top, box.left, box.bottom, box.right) == (5, 5, 35, 45) and set(report.boxes) == {
        "crop_border"
    }
    assert (images[2] == 100).all()


def test_a_crop_that_finds_nothing_is_told_with_its_rows():
    _, report = Steps.parse("crop_lungs:margin=0.1").apply([np.eye(50), np.eye(50)])
    assert "crop_lungs left rows 0, 1 whole: no two dark fields side by side are shaped like lungs." in str(
        report
    )


def test_a_step_that_comes_twice_is_reported_twice():
    _, report = Steps.parse("median,median:size=5").apply([IMAGE])
    assert list(report.changed) == ["median (1)", "median (2)"]


def test_a_row_that_is_no_image_is_named():
    with pytest.raises(MedgraftError, match=r"^Row 1: median needs"):
        Steps.parse("median").apply([IMAGE, np.zeros(3)])


def test_images_are_taken_one_at_a_time():
    def endless():
        yield IMAGE
        raise RuntimeError("too far")

    with pytest.raises(RuntimeError):
        Steps.parse("median").apply(endless())


def test_sentences_of_a_report_by_hand():
    report = Report(
        kept=(0, 3),
        dropped=(
            (1, "it is blurred (sharpness 2.0, median 90.0)"),
            (2, "it is a copy of row 0"),
            (4, "it is blurred (x)"),
        ),
    )
    assert report.sentences() == [
        "2 of 5 images were kept.",
        "2 were dropped because it is blurred: rows 1, 4.",
        "1 was dropped because it is a copy: row 2.",
    ]


def test_exact_copies_go_and_the_first_stays():
    a, b = IMAGE, IMAGE[::-1].copy()
    report = drop_duplicates([a, b, a.copy(), b.copy(), a.astype(np.uint16), a.copy()])
    assert report.kept == (0, 1, 4)
    assert report.dropped == (
        (2, "it is a copy of row 0"),
        (3, "it is a copy of row 1"),
        (5, "it is a copy of row 0"),
    )


def test_near_copies_of_hashes_go_by_their_distance_to_what_is_kept():
    hashes = np.array([0b0, 0b1, 0b11, 0b1111, 0b0], np.uint64)
    assert drop_duplicates(hashes).dropped == ((4, "it is a copy of row 0"),)
    # Row 2 is one bit from row 1, but that is gone, and two from row 0.
    assert drop_duplicates(hashes, 1).kept == (0, 2, 3)
    assert drop_duplicates(hashes, 2).kept == (0, 3)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30), st.integers(0, 24))
def test_what_is_kept_is_apart_and_what_is_dropped_is_near_what_is_kept(values, bits):
    report = drop_duplicates(np.array(values, np.uint64), bits)

    def apart(i, j):
        return (values[i] ^ values[j]).bit_count()

    assert all(apart(i, j) > bits for i in report.kept for j in report.kept if i < j)
    for j, why in report.dropped:
        i = int(why.split()[-1])
        assert i < j and i in report.kept and apart(i, j) <= bits


def test_the_hash_bears_brightness_contrast_and_size_but_no_mirroring():
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(3)
    image = gaussian_filter(rng.normal(size=(90, 120)), 8)
    image = (255 * (image - image.min()) / np.ptp(image)).astype(np.uint8)
    own = difference_hash(image)
    larger = np.asarray(Image.fromarray(image).resize((300, 225), Image.Resampling.BICUBIC))
    for other in (image // 2 + 60, larger, np.repeat(image[..., None], 3, axis=2)):
        assert (own ^ difference_hash(other)).bit_count() <= 4
    assert (own ^ difference_hash(image[:, ::-1].copy())).bit_count() > 16


def test_odd_distances_and_things_are_refused():
    with pytest.raises(MedgraftError, match="max_bits from 0 to 64"):
        drop_duplicates([IMAGE], 65)
    with pytest.raises(MedgraftError, match="drop_duplicates needs"):
        drop_duplicates(["a"])
