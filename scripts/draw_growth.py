#!/usr/bin/env python3
"""Draws a table of tests/bench/load.py as an SVG: processor time and most memory against the size of a question, both axes
logarithmic.

    scripts/draw_growth.py docs/benchmarks.md > docs/pictures/growth.svg

It reads the rows of the page that look like `| a file of 2,500 jobs, planned | 8.8 s | 138 MiB | … |`: the first number is the
size, the words around it name the question. A thin line shows what growth in proportion would be. The figure has a background of
its own, so it reads the same on light and dark pages. The same page gives the same bytes.
"""

import html
import math
import re
import sys

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 960, 360, 62, 62, 44, 70
COLOURS = ["#4c78a8", "#e08a3c", "#59a14f", "#8c6bb1", "#b5485d"]
INK, FAINT, PAPER = "#24292f", "#d0d7de", "#ffffff"
ROW = re.compile(r"\| (?P<words>[^|]*\d[^|]*) \| (?P<seconds>[\d.,]+) s \| (?P<memory>[\d.,]+) MiB \|")


def number(word):
    return float(word.replace(",", ""))


def read(path):
    """By question: its sizes, seconds and MiB, ascending."""
    questions = {}
    with open(path, encoding="utf-8") as page:
        for line in page:
            if row := ROW.match(line):
                size = re.search(r"\d[\d,]*", row["words"])
                name = (row["words"][: size.start()] + "n" + row["words"][size.end() :]).split(",")[0]
                if name.startswith("the best plan"):
                    continue  # axes are no amount of work
                points = (number(size.group()), number(row["seconds"]), number(row["memory"]))
                questions.setdefault(name, []).append(points)
    return {name: sorted(points) for name, points in questions.items() if len(points) > 1}


def text(x, y, words, anchor="start", size=12):
    words = html.escape(words)
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{INK}">{words}</text>'


def line(points, colour, width, dash=""):
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'


def powers(values):
    """The powers of ten that enclose the values."""
    return range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)


def label(power, unit):
    return f"{10**power:,} {unit}" if power >= 0 else f"{10.0**power:g} {unit}"


class Panel:
    """One figure against the size of the questions."""

    def __init__(self, left, width, questions, column, unit):
        self.questions, self.column = questions, column
        self.x_powers = powers([p[0] for points in questions.values() for p in points])
        self.y_powers = powers([p[column] for points in questions.values() for p in points])
        self.left, self.width, self.unit = left, width, unit

    def x(self, value):
        first, last = self.x_powers[0], self.x_powers[-1]
        return self.left + self.width * (math.log10(value) - first) / (last - first)

    def y(self, value):
        first, last = self.y_powers[0], self.y_powers[-1]
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(value) - first) / max(last - first, 1)

    def draw(self):
        out = []
        for power in self.y_powers:
            y = self.y(10.0**power)
            out += [line([(self.left, y), (self.left + self.width, y)], FAINT, 1)]
            out += [text(self.left - 6, y + 4, label(power, self.unit), "end", 11)]
        for power in self.x_powers:
            x = self.x(10.0**power)
            out += [line([(x, TOP), (x, HEIGHT - BOTTOM)], FAINT, 1)]
            out += [text(x, HEIGHT - BOTTOM + 18, f"{10**power:,}", "middle", 11)]
        for colour, points in zip(COLOURS, self.questions.values()):
            first, last = points[0], points[-1]
            proportional = first[self.column] * last[0] / first[0]
            end = (self.x(last[0]), self.y(min(proportional, 10.0 ** self.y_powers[-1])))
            out.append(line([(self.x(first[0]), self.y(first[self.column])), end], colour, 1, "3 3"))
            at = [(self.x(p[0]), self.y(p[self.column])) for p in points]
            out.append(line(at, colour, 2))
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in at]
        return out


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: draw_growth.py PAGE > picture.svg")
    questions = read(sys.argv[1])
    if not questions:
        sys.exit(f"{sys.argv[1]}: no row of load.py in two sizes")
    half = (WIDTH - 2 * LEFT - GAP - 40) / 2
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
           f'font-family="sans-serif">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{PAPER}" stroke="{FAINT}"/>']
    x = LEFT
    for colour, name in zip(COLOURS, questions):
        out += [f'<rect x="{x:.1f}" y="14" width="12" height="12" fill="{colour}"/>', text(x + 17, 24, name)]
        x += 40 + 6.6 * len(name)
    out += [text(LEFT, 48, "processor time against n"), text(2 * LEFT + half + GAP, 48, "most memory against n")]
    out += Panel(LEFT, half, questions, 1, "s").draw()
    out += Panel(2 * LEFT + half + GAP, half, questions, 2, "MiB").draw()
    print("\n".join(out + ["</svg>"]))


main()
