"""What becomes of a picture file that somebody gives: the shop's widths without anything else, or one sentence."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from storefront.catalogue.photo import NoPhoto, keep_photo, read_photo
from storefront.web.pictures import FILE

SECRET = b"N 48 12.345 E 16 22.333"


def packed(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def telling() -> bytes:
    """A photograph that lies on its side and tells where it was taken, by whom, and more."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x013B] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 34.5), 29: "2026:01:01"})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.new("RGB", (1600, 1200), "teal")
    picture.paste("red", (0, 0, 100, 1200))
    return packed(
        picture, exif=exif.tobytes(), comment=SECRET, xmp=b"<x>" + SECRET + b"</x>", icc_profile=profile
    )


def test_a_photograph_is_upright_and_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "in.bin").write_bytes(telling())
    kept = keep_photo(tmp_path / "in.bin", "mug", tmp_path / "out")
    assert (kept.width, kept.height) == (1200, 1600)
    files = {file.name: file for file in (tmp_path / "out").iterdir()}
    assert sorted(name.removeprefix(f"{kept.path}-") for name in files) == sorted(
        f"{width}.{kind}" for width in (320, 640, 960, 1200) for kind in ("webp", "jpg")
    )
    for name, file in files.items():
        content = file.read_bytes()
        assert FILE.fullmatch(name)
        assert not any(mark in content for mark in (SECRET, b"Exif", b"EXIF", b"GPS", b"ICC", b"xmp"))
        with Image.open(file) as shown:
            assert not shown.getexif()
            assert shown.width == int(name.rpartition("-")[2].partition(".")[0])
            assert abs(shown.height / shown.width - 4 / 3) < 0.01
            red = shown.convert("RGB").getpixel((shown.width // 2, 5))
            assert isinstance(red, tuple)
            assert red[0] > 200, "what was left is at the top now"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "L", "I;16", "CMYK"])
def test_every_kind_of_colour_is_shown(mode: str) -> None:
    picture = Image.new(mode, (400, 400))
    kind = "JPEG" if mode == "CMYK" else "PNG"
    shown = read_photo(packed(picture, kind))
    assert (shown.mode, shown.size) == ("RGB", (400, 400))
    if mode in {"RGBA", "LA"}:
        assert shown.getpixel((9, 9)) == (255, 255, 255), "white where one could see through"


def bomb() -> bytes:
    """A PNG of a few bytes that says that it is 50,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"0" * 999))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no whole"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "no whole"),
        (packed(Image.new("RGB", (400, 400)), "GIF"), "no whole"),
        (packed(Image.effect_noise((400, 400), 99))[:9000], "no whole"),
        (packed(Image.new("RGB", (400, 400)), "PNG")[:-40], "no whole"),
        (bomb(), "million pixels"),
        (packed(Image.new("1", (9000, 8000)), "PNG"), "million pixels"),
        (packed(Image.new("RGB", (319, 800))), "at least 320 × 320"),
        (packed(Image.new("RGB", (1400, 400))), "3 times"),
        (packed(Image.new("RGB", (400, 400)), "WEBP", save_all=True,
                append_images=[Image.new("RGB", (400, 400), "red")]), "moves"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused_in_one_line(content: bytes, why: str) -> None:
    with pytest.raises(NoPhoto, match=why) as refused:
        read_photo(content)
    assert "\n" not in str(refused.value)


def test_a_file_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPhoto, match="30 MB"):
        keep_photo(Path("/dev/zero"), "endless", tmp_path)
