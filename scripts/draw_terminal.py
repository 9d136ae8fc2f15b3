#!/usr/bin/env python3
"""Draws what a command printed on a terminal, colours included, as an SVG.

    foreshard plan JOB --color always | scripts/draw_terminal.py "foreshard plan JOB" > plan.svg

Reads UTF-8 text with ANSI colours (SGR sequences) from standard input; the command is shown above it, after a prompt. The figure
has a dark background of its own, so it reads the same on light and dark pages. The same text gives the same bytes.
"""

import html
import re
import sys

CHARACTER, LINE, MARGIN, SIZE = 7.8, 18, 16, 13  # px: a column, a line, around the text, the font
PAPER, FRAME, INK = "#161b22", "#30363d", "#e6edf3"
COLOURS = {30: "#7d8590", 31: "#ff7b72", 32: "#3fb950", 33: "#d29922", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd", 37: INK}


class Style:
    """What the SGR sequences read so far ask for."""

    def __init__(self):
        self.colour, self.bold = INK, False

    def read(self, codes):
        for code in (int(c or 0) for c in codes.split(";")):
            if code == 0:
                self.colour, self.bold = INK, False
            elif code == 1:
                self.bold = True
            elif code == 22:
                self.bold = False
            elif code == 39:
                self.colour = INK
            elif code in COLOURS or code - 60 in COLOURS:
                self.colour = COLOURS[code if code in COLOURS else code - 60]

    def attributes(self):
        return (f' fill="{self.colour}"' if self.colour != INK else "") + (' font-weight="bold"' if self.bold else "")


def pieces(line, style):
    """The line's text in pieces that are drawn on their own: (column, text, attributes). A piece ends where the style changes and
    at two blanks or more, so that columns stay in line whatever font the reader has."""
    column = 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            style.read(part[2:-1])
            continue
        for match in re.finditer(r"\S+( \S+)*", part):
            yield column + match.start(), match.group(), style.attributes()
        column += len(part)


def draw(command, text):
    lines = text.rstrip("\n").split("\n")
    columns = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in (*lines, "$ " + command))
    width, height = 2 * MARGIN + columns * CHARACTER, 2 * MARGIN + (len(lines) + 1) * LINE
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" '
           f'role="img"><title>{html.escape(command)}</title>',
           f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1}" rx="8" fill="{PAPER}" stroke="{FRAME}"/>']
    out.append(f'<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="{SIZE}" '
               f'fill="{INK}">')
    style = Style()
    for row, line in enumerate((f"\x1b[90m$\x1b[0;1m {command}\x1b[0m", *lines)):
        y = MARGIN + row * LINE + SIZE
        for column, words, attributes in pieces(line, style):
            out.append(f'<text x="{MARGIN + column * CHARACTER:.1f}" y="{y}" textLength="{len(words) * CHARACTER:.1f}"{attributes}>'
                       f"{html.escape(words, quote=False)}</text>")
    print("\n".join((*out, "</g>", "</svg>")))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('usage: COMMAND | draw_terminal.py "what was typed" > picture.svg')
    draw(sys.argv[1], sys.stdin.buffer.read().decode("utf-8"))
