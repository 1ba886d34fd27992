"""A picture file made into what pages show: WebP and JPEG in the shop's widths, without anything else that it holds.

What somebody gives is not believed: its kind is read from its content, its size before it is unpacked.
"""

import hashlib
import io
import warnings
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageCms, ImageOps

from storefront.web.assets import write_file
from storefront.web.pictures import WIDTHS, widths_of

KINDS = ("JPEG", "PNG", "WEBP")
MOST_BYTES = 30_000_000
MOST_PIXELS = 60_000_000
FEWEST = WIDTHS[0]
LONGEST = 3
# Flat drawings and photographs both look like themselves at these, on a fine screen too.
QUALITY = {"WEBP": 78, "JPEG": 74}


class NoPhoto(ValueError):
    """The file cannot be shown. The message is one line that says why."""


class Kept(NamedTuple):
    """A picture as the database knows it: its name, and the pixels of its biggest width."""

    path: str
    width: int
    height: int


def keep_photo(file: Path, name: str, folder: Path) -> Kept:
    """Put the picture in `file` into `folder` under `name`. Raises NoPhoto, and OSError when a file cannot be read or
    written."""
    with file.open("rb") as opened:
        # Not by the size that it says: some files have no end.
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise NoPhoto(f"it has more than {MOST_BYTES // 1_000_000} MB")
    return keep(read_photo(content), name, folder)


def read_photo(content: bytes) -> Image.Image:
    """The picture upright, in sRGB, on white where it is transparent. Raises NoPhoto."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = Image.open(io.BytesIO(content), formats=KINDS)
        _check(found)
        found.load()
        return _plain(ImageOps.exif_transpose(found))
    except (NoPhoto, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NoPhoto(f"it has more than {MOST_PIXELS // 1_000_000} million pixels") from None
    except Exception:
        # A damaged file fails in whatever part of the reader meets it.
        raise NoPhoto("it is no whole JPEG, PNG or WebP file") from None


def _check(found: Image.Image) -> None:
    """From the file's head alone; nothing is unpacked yet."""
    width, height = found.size
    if width * height > MOST_PIXELS:
        raise NoPhoto(f"it has more than {MOST_PIXELS // 1_000_000} million pixels")
    if min(width, height) < FEWEST:
        raise NoPhoto(f"it is {width} × {height} pixels; at least {FEWEST} × {FEWEST} are needed")
    if max(width, height) > LONGEST * min(width, height):
        raise NoPhoto(f"it is {width} × {height} pixels, more than {LONGEST} times as long as wide")
    # Phones keep several pictures in one JPEG, of which the first is the picture.
    if getattr(found, "is_animated", False) and found.format != "MPO":
        raise NoPhoto("it moves")


def _plain(found: Image.Image) -> Image.Image:
    if found.mode.startswith("I"):
        found = found.point(lambda value: value / 256).convert("L")
    profile = found.info.get("icc_profile")
    if found.has_transparency_data:
        found = found.convert("RGBA")
    elif found.mode not in {"RGB", "CMYK", "L"}:
        found = found.convert("RGB")
    # A new picture, since whatever else the file held would be written again: profile, comment, place.
    plain = Image.new("RGB", found.size, "white")
    plain.paste(_in_srgb(found, profile), mask=found.getchannel("A") if found.mode == "RGBA" else None)
    return plain


def _in_srgb(found: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return found.convert("RGB")
    colours = found.convert("RGB") if found.mode == "RGBA" else found
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return (
            ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            or colours
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return found.convert("RGB")


def keep(picture: Image.Image, name: str, folder: Path) -> Kept:
    """Write `picture`, which is RGB, in its widths. The same picture gets the same name each time."""
    biggest = min(picture.width, WIDTHS[-1])
    files = {}
    for width in widths_of(biggest):
        height = _height(picture, width)
        small = (
            picture if width == picture.width else picture.resize((width, height), Image.Resampling.LANCZOS)
        )
        files[f"{width}.webp"] = _packed(small, "WEBP", method=6)
        files[f"{width}.jpg"] = _packed(small, "JPEG", progressive=True, optimize=True)
    path = f"{name}.{hashlib.sha256(b''.join(files.values())).hexdigest()[:12]}"
    # The smallest comes last: the shop goes by it to know whether there is a picture.
    for size, content in reversed(files.items()):
        write_file(folder / f"{path}-{size}", content)
    return Kept(path, biggest, _height(picture, biggest))


def _height(picture: Image.Image, width: int) -> int:
    return max(1, round(picture.height * width / picture.width))


def _packed(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=QUALITY[kind], **options)
    return buffer.getvalue()
