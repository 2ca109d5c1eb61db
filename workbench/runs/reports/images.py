"""Pictures of a notebook as ``<img>``: packed smaller, and unable to run a script."""

import base64
import binascii
import html
import io
import warnings
from functools import lru_cache
from typing import Any

__all__ = ["picture", "vector"]

LARGEST = 40_000_000  # pixels that are packed again; more would hold up the report
SMALL = 2_000  # bytes below which packing again saves nothing worth a reader's time


def picture(media_type: str, encoded: str, shown: Any = None) -> str:
    """``<img>`` of a bitmap, without loss and with its size, so that the page does not jump.

    Parameters
    ----------
    media_type : str
        For instance "image/png".
    encoded : str
        Base64, as a notebook holds it.
    shown : mapping, optional
        Width and height in the page [px], where the notebook tells them.
    """
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return '<p class="quiet">A picture that cannot be read.</p>'
    media_type, content, size = _packed(media_type, content)
    told = shown if isinstance(shown, dict) else {}
    width, height = told.get("width", size[0]), told.get("height", size[1])
    sized = "".join(f' {name}="{number}"' for name, number in (("width", width),
                                                              ("height", height))
                    if isinstance(number, int) and 0 < number < 100_000)
    return f'<img alt="Figure"{sized} src="{_address(media_type, content)}">'


def vector(markup: str) -> str:
    """``<img>`` of an SVG; a browser runs no script and fetches nothing inside an image."""
    return f'<img alt="Figure" src="{_address("image/svg+xml", markup.encode())}">'


@lru_cache(maxsize=64)
def _packed(media_type: str, content: bytes) -> tuple[str, bytes, tuple[int, int]]:
    """The same pixels in the smaller form, their media type and their size (0 if unknown)."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError,
            Image.DecompressionBombWarning):
        return html.escape(media_type), content, (0, 0)
    size = image.size
    worth = media_type == "image/png" and len(content) > SMALL and size[0] * size[1] <= LARGEST
    if not worth or max(size) > 16_383 or getattr(image, "is_animated", False):
        return html.escape(media_type), content, size
    try:
        smaller = _smaller(image)
    except (OSError, ValueError, SyntaxError):
        return media_type, content, size
    return *min([(media_type, content), *smaller], key=lambda form: len(form[1])), size


def _smaller(image: Any) -> list[tuple[str, bytes]]:
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        return []  # 16-bit grey and the like would lose depth
    packed = io.BytesIO()
    # Method 2 saves within a few per cent of what the slowest saves, in a fiftieth of the time.
    colours = "RGBA" if image.mode in ("LA", "RGBA") or "transparency" in image.info else "RGB"
    image.convert(colours).save(packed, "WEBP", lossless=True, method=2, quality=50, exact=True)
    return [("image/webp", packed.getvalue())]


def _address(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
