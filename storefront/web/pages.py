"""Public pages: a body that is the same for everybody, made once per catalogue version, with holes per visitor.

A body is kept with its chunks already deflated. Each chunk ends with a full flush, so a hole can be put between
two of them as a stored block; the gzip trailer (RFC 1952) is computed for the whole.
"""

import hashlib
import re
import struct
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field

from storefront.web.templates import HOLE_MARK

MARK = re.compile((HOLE_MARK % "([a-z]+)").encode())
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
MOST_TRAILERS = 8
LAST_BLOCK = b"\x03\x00"  # an empty final block, RFC 1951 3.2.6


@dataclass(slots=True)
class Body:
    """Chunks of a page and the names of the holes between them. They are deflated when the first browser that wants
    that asks, and the end of the gzip file is kept for the fillings that come most."""

    plain: tuple[bytes, ...]
    holes: tuple[str, ...]
    tag: str
    deflated: tuple[bytes, ...] = ()
    trailers: dict[tuple[bytes, ...], bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> "Body":
        whole = text.encode()
        parts = MARK.split(whole)
        holes = tuple(name.decode() for name in parts[1::2])
        return cls(tuple(parts[::2]), holes, hashlib.blake2b(whole, digest_size=9).hexdigest())

    def fill(self, values: dict[str, bytes]) -> bytes:
        """The page as bytes with every hole filled."""
        out = [self.plain[0]]
        for name, chunk in zip(self.holes, self.plain[1:], strict=True):
            out.append(values[name])
            out.append(chunk)
        return b"".join(out)

    def fill_gzip(self, values: dict[str, bytes]) -> bytes:
        """The same page as a gzip file, without compressing anything again."""
        if not self.deflated:
            self.deflated = tuple(_deflate(chunk) for chunk in self.plain)
        out = [GZIP_HEAD, self.deflated[0]]
        for name, chunk in zip(self.holes, self.deflated[1:], strict=True):
            out.append(_stored(values[name]))
            out.append(chunk)
        out.append(self._trailer(values))
        return b"".join(out)

    def _trailer(self, values: dict[str, bytes]) -> bytes:
        filling = tuple(values[name] for name in self.holes)
        known = self.trailers.get(filling)
        if known is None:
            whole = self.fill(values)
            known = LAST_BLOCK + struct.pack("<II", zlib.crc32(whole), len(whole) & 0xFFFFFFFF)
            if len(self.trailers) >= MOST_TRAILERS:
                self.trailers.clear()
            self.trailers[filling] = known
        return known


def _deflate(chunk: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(chunk) + compressor.flush(zlib.Z_FULL_FLUSH)


def _stored(data: bytes) -> bytes:
    """`data` as one stored block (RFC 1951 3.2.4): it begins on a byte, since a flush ended the block before."""
    if not data:
        return b""
    if len(data) > 0xFFFF:
        raise ValueError("a hole holds at most 65,535 bytes")
    return struct.pack("<BHH", 0, len(data), len(data) ^ 0xFFFF) + data


class PageCache:
    """Bodies by what they were made of, the least used dropped first. Bounded by count and by bytes."""

    def __init__(self, most: int = 2000, most_bytes: int = 48_000_000) -> None:
        self._bodies: OrderedDict[tuple[object, ...], Body] = OrderedDict()
        self._most, self._most_bytes, self._bytes = most, most_bytes, 0

    def get(self, key: tuple[object, ...]) -> Body | None:
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def put(self, key: tuple[object, ...], body: Body) -> None:
        self._drop(self._bodies.pop(key, None))
        self._bodies[key] = body
        self._bytes += _size(body)
        while len(self._bodies) > self._most or self._bytes > self._most_bytes:
            self._drop(self._bodies.popitem(last=False)[1])

    def _drop(self, body: Body | None) -> None:
        if body is not None:
            self._bytes -= _size(body)


def _size(body: Body) -> int:
    # Deflated, a page is about a quarter of itself; it may not be yet, and yet it must count.
    return sum(map(len, body.plain)) * 5 // 4
