"""A small picture of a figure, drawn from its elements without a browser."""

from xml.sax.saxutils import quoteattr

import holoviews as hv
import numpy as np

from workbench.plots.theme import Figure

__all__ = ["thumbnail"]

WIDTH, HEIGHT, MARGIN, MOST = 320, 180, 8, 400


def thumbnail(figure: Figure) -> str:
    """Draw curves, bands, points and boxes of one colour as a small SVG text.

    Parameters
    ----------
    figure : HoloViews element or overlay

    Returns
    -------
    svg : str
        320 x 180, no scripts, no external references; elements of other kinds are left out.
    """
    kinds = [hv.Area, hv.Curve, hv.Scatter, hv.Rectangles]
    shapes = [shape for element in figure.traverse(lambda e: e, kinds)
              for shape in _shapes(element)]
    ends = [shape[1] for shape in shapes if len(shape[1])]
    body = ""
    if ends:
        points = np.concatenate(ends)
        low, high = points.min(axis=0), points.max(axis=0)
        scale = np.where(high > low, high - low, 1.0)
        body = "".join(_draw(kind, (xy - low) / scale, style) for kind, xy, style in shapes)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="main figure">{body}</svg>')


def _shapes(element: hv.Element) -> list[tuple[str, np.ndarray, dict[str, object]]]:
    style = hv.Store.lookup_options("bokeh", element, "style").kwargs
    if style.get("alpha") == 0:      # there to be clicked, not to be seen
        return []
    columns = [_numbers(element.dimension_values(i))
               for i in range(min(4, len(element.dimensions())))]
    if len(columns) < 2 or not len(columns[0]):
        return []
    keep = slice(None, None, max(1, len(columns[0]) // MOST))
    x, y = columns[0][keep], columns[1][keep]
    if isinstance(element, hv.Rectangles):
        right, top = columns[2][keep], columns[3][keep]
        corners = np.stack([np.column_stack(ends) for ends in (
            (x, y), (right, y), (right, top), (x, top))], axis=1)
        colour = str(style.get("color"))           # or the name of a column
        return [("area", box, style) for box in corners if colour.startswith("#")]
    if isinstance(element, hv.Area):
        top = columns[2][keep] if len(element.vdims) > 1 else np.zeros_like(y)
        outline = np.column_stack([np.append(x, x[::-1]), np.append(y, top[::-1])])
        return [("area", outline, style)]
    kind = "points" if isinstance(element, hv.Scatter) else "curve"
    return [(kind, np.column_stack([x, y]), style)]


def _numbers(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]").astype(float)
    if values.dtype.kind in "OUS":
        return np.unique(values.astype(str), return_inverse=True)[1].astype(float)
    return values.astype(float)


def _draw(kind: str, unit: np.ndarray, style: dict[str, object]) -> str:
    unit = unit[np.isfinite(unit).all(axis=1)]
    x = MARGIN + unit[:, 0] * (WIDTH - 2 * MARGIN)
    y = HEIGHT - MARGIN - unit[:, 1] * (HEIGHT - 2 * MARGIN)
    colour, alpha = quoteattr(str(style.get("color", "#000000"))), style.get("alpha", 1.0)
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    if kind == "area":
        return f'<polygon points="{path}" fill={colour} fill-opacity="{alpha}"/>'
    if kind == "points":
        return "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="1.8" fill={colour} '
                       f'fill-opacity="{alpha}"/>' for a, b in zip(x, y, strict=True))
    dash = {"dashed": ' stroke-dasharray="6 4"', "dotted": ' stroke-dasharray="2 3"',
            "dotdash": ' stroke-dasharray="2 3 6 3"'}.get(str(style.get("line_dash")), "")
    return (f'<polyline points="{path}" fill="none" stroke={colour} stroke-width="2"{dash}/>')
