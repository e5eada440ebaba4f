"""Colours by name: what their names stand for, and which of them a colour on the page is."""

from __future__ import annotations

import colorsys
import re

NAMES = {
    "black": (0, 0, 0), "white": (255, 255, 255), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "silver": (192, 192, 192), "red": (255, 0, 0), "maroon": (128, 0, 0), "orange": (255, 165, 0),
    "yellow": (255, 255, 0), "olive": (128, 128, 0), "lime": (0, 255, 0), "green": (0, 128, 0), "teal": (0, 128, 128),
    "aqua": (0, 255, 255), "cyan": (0, 255, 255), "blue": (0, 0, 255), "navy": (0, 0, 128), "purple": (128, 0, 128),
    "magenta": (255, 0, 255), "fuchsia": (255, 0, 255), "pink": (255, 192, 203), "brown": (165, 42, 42),
    "violet": (238, 130, 238), "indigo": (75, 0, 130), "gold": (255, 215, 0), "turquoise": (64, 224, 208),
}  # fmt: skip
"""The colours of CSS that people name, as red, green and blue."""
COLOUR = "|".join(sorted(NAMES, key=len, reverse=True))
_HUES = {"red": 0, "orange": 30, "yellow": 60, "green": 120, "cyan": 180, "blue": 220, "purple": 280, "pink": 330}
_LEAST_SATURATION = 0.12

Rgb = tuple[int, int, int]


def hexadecimal(name: str) -> str:
    """A named colour as fields for colours take it: "008000"."""
    return "".join(f"{part:02x}" for part in NAMES[name.lower()])


def parsed(css: str) -> Rgb | None:
    """A computed colour of CSS; None where nothing shows."""
    parts = [float(part) for part in re.findall(r"[\d.]+", css)]
    if len(parts) < 3 or (len(parts) > 3 and parts[3] == 0):
        return None
    return round(parts[0]), round(parts[1]), round(parts[2])


def distance(one: Rgb, other: Rgb) -> float:
    """How far two colours are apart, 0 to 441."""
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)


def is_shade_of(colour: Rgb, name: str) -> bool:
    """Whether a colour is light or dark of this hue, and of no other's more."""
    hue, _, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    if saturation < _LEAST_SATURATION or name.lower() not in _HUES:
        return False

    def away(other: str) -> float:
        turn = abs(hue * 360 - _HUES[other]) % 360
        return min(turn, 360 - turn)

    return min(_HUES, key=away) == name.lower()
