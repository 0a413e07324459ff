"""Decoding any picture, and finding its ink."""

import io
import pickle
from functools import partial

import cv2
import numpy as np
import pytest
from finding import find_digits
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from pillow_heif import register_heif_opener

from digitlib import extras
from digitlib.pixels import decoding
from digitlib.pixels.decoding import MAX_PIXELS, PictureError, load
from digitlib.pixels.formats import Page, pages
from digitlib.pixels.ink import find_ink
from digitlib.pixels.segmentation import normalise


def seven(paper=255, pen=0, size=96, thickness=6) -> np.ndarray:
    """A 7, uint8 (size, size)."""
    corners = np.array([[0.3, 0.2], [0.7, 0.2], [0.45, 0.8]]) * size
    page = np.full((size, size), paper, np.uint8)
    return cv2.polylines(page, [corners.astype(np.int32)], False, pen, thickness, cv2.LINE_AA)


def encode(image: Image.Image, kind: str, **options) -> bytes:
    """The bytes of a picture file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two images."""
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


@pytest.mark.parametrize(
    "kind",
    ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000", "HEIF", "PDF"],
)
def test_every_file_kind_gives_the_same_digit(kind, tmp_path):
    """Protects the decoders: bytes and path of each file kind read as the array does."""
    register_heif_opener()
    data = encode(Image.fromarray(seven()), kind)
    path = tmp_path / "seven"
    path.write_bytes(data)
    for picture in (data, path, str(path)):
        assert agreement(normalise(picture), normalise(seven())) > 0.98
    if kind != "PDF":  # which Pillow writes, and does not open
        with Image.open(path) as image:
            assert agreement(normalise(image), normalise(seven())) > 0.98


@pytest.mark.parametrize("kind", ["PDF", "TIFF"])
def test_each_page_is_a_picture(kind):
    """Protects scans of several sheets: the second page is not the first one."""
    blank = Image.new("L", (96, 96), 255)
    data = encode(blank, kind, save_all=True, append_images=[Image.fromarray(seven()), blank])
    assert pages(lambda: io.BytesIO(data)) == [0, 1, 2]
    assert not normalise(Page(data, 0)).any()
    assert agreement(normalise(Page(data, 1)), normalise(seven())) > 0.98
    assert not normalise(data).any()
    with pytest.raises(PictureError):
        load(Page(data, 3))


def test_a_thumbnail_is_no_page(tmp_path):
    """Protects TIFF files of cameras, which hold a small copy of their picture."""
    small = Image.fromarray(seven(size=24))
    small.encoderinfo = {"tiffinfo": {254: 1}}  # NewSubfileType: of less resolution
    data = encode(Image.fromarray(seven()), "TIFF", save_all=True, append_images=[small])
    assert pages(lambda: io.BytesIO(data)) == [None]
    large = Image.fromarray(seven(size=96))
    large.encoderinfo = {"tiffinfo": {254: 0}}
    first = Image.fromarray(seven(size=24))
    data = encode(first, "TIFF", save_all=True, append_images=[large], tiffinfo={254: 1})
    assert pages(lambda: io.BytesIO(data)) == [1]  # the thumbnail comes first


def test_a_damaged_file_of_pages_counts_as_one():
    """Protects a folder from one file: reading it says what is wrong with it."""
    data = encode(Image.fromarray(seven()), "PDF", save_all=True)
    for torn in (data[:300], b"%PDF-1.7", b"II*\0" + bytes(9)):
        assert pages(partial(io.BytesIO, torn), "a.pdf") == [None]
        with pytest.raises(PictureError, match=r"cannot be decoded|known format"):
            load(torn)


@pytest.mark.parametrize(("kind", "library"), [("HEIF", "pillow_heif"), ("PDF", "pypdfium2")])
def test_without_its_library_a_format_is_refused_with_the_remedy(monkeypatch, kind, library):
    register_heif_opener()
    data = encode(Image.fromarray(seven()), kind)
    monkeypatch.setattr(extras, "find_spec", lambda _name: None)
    assert pages(lambda: io.BytesIO(data)) == [None]
    with pytest.raises(
        PictureError, match=rf"^{library} is not installed; .*'digitlib\[formats\]'$"
    ):
        load(data)


def test_a_file_that_may_not_be_read_is_not_called_damaged(monkeypatch):
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(decoding, "open_image", refuse)
    with pytest.raises(PictureError, match=r"^permission to read it is denied$"):
        load(encode(Image.fromarray(seven()), "PNG"))


def test_a_refusal_names_the_file_and_the_known_formats(tmp_path):
    file = tmp_path / "notes.png"
    file.write_text("not one")
    with pytest.raises(PictureError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}: not a picture of a known format (PNG, JPEG,")
    assert caught.value.reason.startswith("not a picture of a known format (PNG, JPEG,")
    assert "HEIC or PDF" in caught.value.reason
    again = pickle.loads(pickle.dumps(caught.value))  # as it comes from another process
    assert (str(again), again.reason) == (str(caught.value), caught.value.reason)
    with pytest.raises(PictureError, match=r"a folder; .*batch\.predict reads all"):
        load(tmp_path)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_pixel_mode_gives_the_same_digit(mode):
    """Protects the conversion of 1-bit, palette, CMYK, 16-bit and floating-point pictures."""
    grey = Image.fromarray(seven())
    if mode == "I;16":
        image = Image.fromarray(seven().astype(np.uint16) * 16)  # 12 bits of the 16 in use
    else:
        image = grey.convert(mode)
    assert agreement(normalise(image), normalise(seven())) > 0.95


def test_both_polarities_and_all_layouts_give_the_same_digit():
    """Protects the choice of polarity and the array layouts of the contract."""
    expected = normalise(seven())
    rgb = cv2.cvtColor(seven(), cv2.COLOR_GRAY2RGB)
    rgba = cv2.cvtColor(seven(), cv2.COLOR_GRAY2RGBA)
    for picture in (255 - seven(), rgb, rgba, seven()[..., None], seven() < 128):
        assert agreement(normalise(picture), expected) > 0.98


@pytest.mark.parametrize("pen", [(0, 0, 0), (255, 255, 255), (200, 200, 200)])
def test_strokes_on_a_transparent_background(pen):
    """Protects canvas exports: dark strokes on nothing lie on white, bright ones on black."""
    drawing = np.zeros((96, 96, 4), np.uint8)
    drawing[..., :3] = pen
    drawing[..., 3] = 255 - seven()
    assert agreement(normalise(drawing), normalise(seven())) > 0.98


@pytest.mark.parametrize(
    ("paper", "pen"),
    [
        ((250, 240, 130), (40, 60, 200)),
        ((120, 170, 120), (200, 120, 120)),
        ((0, 0, 0), (255, 235, 0)),
    ],
)
def test_ink_of_any_colour_on_paper_of_any_colour(paper, pen):
    """Protects colours of nearly equal luminance, which a plain grey conversion would lose."""
    share = (255 - seven()[..., None].astype(float)) / 255
    picture = (np.array(paper) * (1 - share) + np.array(pen) * share).astype(np.uint8)
    assert agreement(normalise(picture), normalise(seven())) > 0.97


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_exif_rotation_is_obeyed(kind):
    """Protects phone photos and scans: sideways pixels are turned as the file says, and once."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    sideways = Image.fromarray(np.ascontiguousarray(np.rot90(seven()[:, :80])))
    loaded = load(encode(sideways, kind, exif=exif))
    assert (loaded.width, loaded.height) == (80, 96)
    assert np.array_equal(loaded.grey, seven()[:, :80])


def test_somebodys_image_is_left_as_it_was():
    """Protects a caller who reads the same opened photo twice."""
    stored = io.BytesIO()
    Image.new("L", (4000, 3000), 255).save(stored, "JPEG")
    opened = Image.open(stored)
    assert load(opened)[1:] == (4000, 3000)
    assert opened.size == (4000, 3000)
    assert load(opened)[1:] == (4000, 3000)


def test_real_numbers_of_any_range_keep_their_contrast():
    """Protects arrays of floats and large integers, infinite and missing values among them."""
    ramp = np.linspace(0, 1, 12).reshape(3, 4)
    expected = load(ramp).grey
    assert (expected.min(), expected.max()) == (0, 255)
    for values in (1e12 + 255 * ramp, ramp * 1e300, (ramp - 0.5) * 1e308, ramp * 1e-200):
        np.testing.assert_allclose(load(values).grey, expected, atol=1)
    holes = ramp.copy()
    holes[0, 0], holes[2, 3] = -np.inf, np.inf
    holes[1, 1] = np.nan
    assert load(holes).grey[2, 3] == 255
    assert load(holes).grey[0, 0] == load(holes).grey[1, 1] == 0


def test_a_large_picture_is_reduced_and_its_size_remembered():
    """Protects the time budget of camera pictures, and the boxes reported for them."""
    photo = encode(Image.new("L", (4000, 3000)), "JPEG")
    for picture in (np.full((3000, 4000, 3), 200, np.uint8), photo):
        loaded = load(picture)
        assert (loaded.width, loaded.height) == (4000, 3000)
        assert max(loaded.grey.shape) <= 1600


def bad_pictures() -> dict:
    """What is no picture, by its fault."""
    whole = encode(Image.fromarray(seven()), "PNG")
    photo = encode(Image.fromarray(seven(size=400)), "JPEG")
    side = int(MAX_PIXELS**0.5) + 1
    return {
        "empty": b"",
        "known format": b"no picture at all",
        "cannot be decoded": whole[: len(whole) // 2],
        "cannot be": photo[: len(photo) // 2],
        "no such file": "there/is/none.png",
        "too large": np.broadcast_to(np.uint8(0), (side, side)),
        "no pixels": np.zeros((0, 7), np.uint8),
        "shape": np.zeros((4, 4, 2), np.uint8),
        "NoneType": None,
    }


@pytest.mark.parametrize("reason", list(bad_pictures()))
def test_what_is_no_picture_is_refused_with_its_reason(reason):
    """Protects the one promise about bad input: PictureError that says what is wrong."""
    with pytest.raises(PictureError, match=reason):
        load(bad_pictures()[reason])


def test_a_decompression_bomb_is_refused_before_it_is_decoded():
    """Protects the memory of a service: a small file that claims 400 million pixels."""
    bomb = encode(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 100_000
    with pytest.raises(PictureError, match=r"^it is too large: the limit is 64,000,000 pixels$"):
        load(bomb)


@given(cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255))))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused(cut, flips):
    """Protects against every other exception: damaged bytes give a picture or PictureError."""
    data = bytearray(encode(Image.fromarray(seven()), "PNG"))
    for place, value in flips:
        data[place % len(data)] = value
    try:
        found = normalise(bytes(data[: len(data) - cut]))
    except PictureError:
        return
    assert found.shape == (28, 28)


@given(
    arrays.arrays(
        np.uint8,
        st.one_of(
            arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40),
            st.tuples(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3, 4])),
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_no_picture_makes_it_crash(picture):
    """Protects every caller: any pixels at all give a 28x28 image and boxes in the picture."""
    image = normalise(picture)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    for digit in find_digits(picture):
        x, y, width, height = digit.box
        assert 0 <= x < x + width <= picture.shape[1]
        assert 0 <= y < y + height <= picture.shape[0]


@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
def test_blank_paper_has_no_ink(level):
    """Protects the empty canvas and the blank photo: grain of the paper is not ink."""
    grain = np.random.default_rng(0).normal(level, 3, (200, 200)).clip(0, 255).astype(np.uint8)
    for picture in (np.full((50, 50), level, np.uint8), grain):
        assert not find_ink(picture).strokes.any()
        assert find_digits(picture) == []


@pytest.mark.parametrize("fall", [20, 80])
@pytest.mark.parametrize("grain", [0, 2])
def test_blank_paper_in_uneven_light_has_no_ink(fall, grain):
    """Protects from reading the light: it fades, and ink has edges."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:300, :400] / 400
    for light in (x, y, (x + y) / 2, 2 * ((x - 0.5) ** 2 + (y - 0.4) ** 2)):
        paper = 220 - fall * light + random.normal(0, grain, light.shape)
        assert not find_ink(paper.astype(np.uint8)).strokes.any()


def test_ink_survives_shadow_and_grain():
    """Protects photos: light falling to a third, grain and a faint pen change the digit little."""
    x, y = np.meshgrid(np.linspace(0, 1, 160), np.linspace(0, 1, 160))
    light = 1 - 0.65 * x * y
    photo = seven(paper=230, pen=120, size=160, thickness=8) * light
    photo += np.random.default_rng(0).normal(0, 3, photo.shape)
    clean = seven(size=160, thickness=8)
    assert agreement(normalise(photo.clip(0, 255).astype(np.uint8)), normalise(clean)) > 0.95
