"""Images of every depth and colour space decode to 8 bit, upright, or name their file."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import check_images, decode_image, kfold_splits, read

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def _decoded(path):
    image = decode_image(path)
    return image.mode, np.asarray(image)


def test_grey_and_colour_come_as_they_are(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "l.png")
    rgb = np.stack([RAMP, RAMP[::-1], RAMP.T], axis=-1)
    Image.fromarray(rgb).save(tmp_path / "rgb.png")
    mode, values = _decoded(tmp_path / "l.png")
    assert mode == "L" and (values == RAMP).all()
    mode, values = _decoded(tmp_path / "rgb.png")
    assert mode == "RGB" and (values == rgb).all()


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
@pytest.mark.parametrize("top", [255, 4095, 65535])
def test_16_bit_grey_is_mapped_from_its_own_range_and_not_clipped(tmp_path, suffix, top):
    values = np.linspace(0, top, 256).round().astype(np.uint16).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    mode, got = _decoded(tmp_path / f"a.{suffix}")
    assert mode == "L" and got.min() == 0 and got.max() == 255
    assert np.abs(got.astype(float) - RAMP).max() <= 1
    assert (np.diff(got.ravel().astype(int)) >= 0).all()


def test_a_large_offset_is_no_loss_of_contrast(tmp_path):
    values = (np.uint16(30000) + RAMP.astype(np.uint16)).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert (_decoded(tmp_path / "a.png")[1] == RAMP).all()


def test_float_images_with_holes_and_constant_ones(tmp_path):
    values = np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16)
    values[0, 0] = np.nan
    Image.fromarray(values).save(tmp_path / "f.tif")
    mode, got = _decoded(tmp_path / "f.tif")
    assert mode == "L" and got[0, 0] == 0 and got[-1, -1] == 255
    Image.fromarray(np.full((4, 4), 7, np.uint16)).save(tmp_path / "c.png")
    assert (_decoded(tmp_path / "c.png")[1] == 0).all()


@pytest.mark.parametrize(
    ("mode", "name", "expected"),
    [
        ("1", "a.png", "L"),
        ("LA", "a.png", "L"),
        ("P", "a.png", "RGB"),
        ("RGBA", "a.png", "RGB"),
        ("CMYK", "a.jpg", "RGB"),
        ("CMYK", "a.tif", "RGB"),
        ("YCbCr", "a.tif", "RGB"),
        ("LAB", "a.tif", "RGB"),
    ],
)
def test_every_colour_space_becomes_grey_or_rgb(tmp_path, mode, name, expected):
    grey = Image.new("RGB", (8, 8), (200, 200, 200))
    zero = Image.new("L", (8, 8))
    special = {"P": grey.quantize(4), "LAB": Image.merge("LAB", [grey.convert("L"), zero, zero])}
    image = special.get(mode) or grey.convert(mode)
    image.save(tmp_path / name)
    got = decode_image(tmp_path / name)
    assert got.mode == expected and got.size == (8, 8)
    if mode not in ("1", "LAB"):
        assert np.abs(np.asarray(got).astype(int) - 200).max() <= 3


def test_transparency_is_dropped_and_colours_stay(tmp_path):
    Image.new("RGBA", (2, 2), (10, 20, 30, 0)).save(tmp_path / "a.png")
    assert decode_image(tmp_path / "a.png").getpixel((0, 0)) == (10, 20, 30)


def test_the_rotation_of_exif_is_applied(tmp_path):
    image = Image.new("L", (20, 10), 0)
    image.paste(255, (0, 0, 10, 10))  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: the left becomes the top
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    got = np.asarray(decode_image(tmp_path / "a.jpg")).astype(int)
    assert got.shape == (20, 10)
    assert got[:8].min() > 200 and got[12:].max() < 50


def test_the_first_page_of_several_is_taken(tmp_path):
    pages = [Image.new("L", (4, 4), v) for v in (10, 20)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert decode_image(tmp_path / "a.tif").getpixel((0, 0)) == 10


def _noise(path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path


@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif"])
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.9])
def test_a_truncated_image_is_named_in_one_sentence(tmp_path, suffix, keep):
    path = _noise(tmp_path / f"a.{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(
        MedgraftError, match=rf"a\.{suffix}' cannot be decoded \(.+\).*--skip-unreadable"
    ) as caught:
        decode_image(path)
    assert str(caught.value).count(str(path)) == 1 and "\n" not in str(caught.value)


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(MedgraftError, match=r"no\.png' cannot be decoded \(it does not exist\)"):
        decode_image(tmp_path / "no.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(MedgraftError, match=r"text\.png' cannot be decoded"):
        decode_image(tmp_path / "text.png")


def test_the_limit_against_decompression_bombs_is_in_force(tmp_path, monkeypatch):
    _noise(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(MedgraftError, match="decompression bomb"):
        decode_image(tmp_path / "a.png")


@pytest.fixture
def folder(tmp_path):
    for label in ("ill", "well"):
        (tmp_path / "s" / label).mkdir(parents=True)
        for i in range(3):
            _noise(tmp_path / "s" / label / f"{i}.jpg")
    return tmp_path / "s"


def _corrupt(path):
    path.write_bytes(path.read_bytes()[:-400])


def test_sound_images_pass_the_check_and_progress_is_told(folder):
    cohort = read(folder)
    told = []
    assert check_images(cohort, progress=lambda done, total: told.append((done, total))) is cohort
    assert told == [(i, 6) for i in range(1, 7)]


def test_the_check_names_the_first_corrupt_file(folder):
    _corrupt(folder / "well" / "1.jpg")
    cohort = read(folder)  # reading does not decode
    with pytest.raises(MedgraftError, match=r"well/1\.jpg' cannot be decoded"):
        check_images(cohort)


def test_unreadable_files_are_skipped_on_request_and_counted(folder):
    _corrupt(folder / "well" / "1.jpg")
    _corrupt(folder / "ill" / "0.jpg")
    checked = check_images(read(folder), skip_unreadable=True)
    assert checked.table["file"].tolist() == ["ill/1.jpg", "ill/2.jpg", "well/0.jpg", "well/2.jpg"]
    assert checked.warnings[-1].startswith("2 images that cannot be decoded were left out: ")
    assert "ill/0.jpg" in checked.warnings[-1] and "well/1.jpg" in checked.warnings[-1]


def _lose(folder, label):
    for path in (folder / label).iterdir():
        _corrupt(path)


def test_skipping_everything_is_an_error(folder):
    _lose(folder, "ill")
    _lose(folder, "well")
    with pytest.raises(MedgraftError, match="None of the 6 images"):
        check_images(read(folder), skip_unreadable=True)


def test_a_class_that_loses_all_images_is_said_and_cannot_be_trained_without(folder):
    _lose(folder, "ill")
    checked = check_images(read(folder), skip_unreadable=True)
    assert checked.warnings[-1] == "No image is left of the classes 'ill'."
    assert len(checked.classes) == 2 and len(set(checked.y)) == 1
    with pytest.raises(MedgraftError, match="one class only, 'well'"):
        kfold_splits(checked, folds=2)


def test_one_of_several_classes_that_loses_all_images_is_no_class(folder):
    (folder / "unsure").mkdir()
    _noise(folder / "unsure" / "0.jpg")
    _lose(folder, "unsure")
    checked = check_images(read(folder), skip_unreadable=True)
    assert checked.classes == ["ill", "well"] and checked.y.tolist() == [0, 0, 0, 1, 1, 1]
