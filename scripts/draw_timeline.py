#!/usr/bin/env python3
"""Draws the trace of a simulated step as an SVG: for each pipeline stage what its compute lane does, micro-batch by
micro-batch, and below it, thin, when it communicates over tp.

    foreshard simulate JOB.yaml --trace step.json
    scripts/draw_timeline.py step.json "what the picture shows" > step.svg

The figure has a background of its own, so it reads the same on light and dark pages. The same trace gives the same bytes.
"""

import html
import json
import sys

WIDTH, LEFT, RIGHT, TOP = 960, 70, 14, 50
ROW, LANE, THIN, GAP = 46, 26, 6, 2  # heights: a stage's row, its compute lane, the tp lane, between the two
COLOURS = {"forward": "#4c78a8", "backward": "#e08a3c", "rest": "#59a14f", "tp": "#8c6bb1"}
WORDS = {"forward": "forward", "backward": "backward", "rest": "gradients, optimizer", "tp": "tp collectives"}
BLANK, INK, PAPER = "#e9ecef", "#24292f", "#ffffff"


def kind_of(block):
    """What a block's kernels count as: the passes of the micro-batches, or what frames them."""
    last = block.split()[-1]
    return last if last in ("forward", "backward") and "receive" not in block and "send" not in block else "rest"


def read(path):
    """By stage: the spans of its compute lane, (start, end, kind, micro-batch), and of its tp lane; seconds."""
    with open(path, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    lanes = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    stages = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    compute = {pid: [] for pid in stages}
    tp = {pid: [] for pid in stages}
    for event in sorted((e for e in events if e["ph"] == "X"), key=lambda e: e["ts"]):
        start, end = event["ts"] / 1e6, (event["ts"] + event["dur"]) / 1e6
        lane = lanes[event["pid"], event["tid"]]
        if lane == "compute":
            kind = kind_of(event["args"]["block"])
            compute[event["pid"]].append((start, end, kind, event["args"]["micro_batch"] if kind != "rest" else None))
        elif lane == "tp":
            tp[event["pid"]].append((start, end, "tp", None))
    return stages, compute, tp


def joined(spans, least_gap):
    """Neighbours of one kind and micro-batch as one span, where less than least_gap lies between them."""
    result = []
    for start, end, kind, micro_batch in spans:
        if result and result[-1][2:] == [kind, micro_batch] and start - result[-1][1] < least_gap:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([start, end, kind, micro_batch])
    return result


def text(x, y, words, anchor="start", size=12, fill=INK):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}">'
            f"{html.escape(words)}</text>")


def box(x, y, width, height, fill):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{fill}"/>'


def draw(path, title):
    stages, compute, tp = read(path)
    length = max(end for lane in (*compute.values(), *tp.values()) for _, end, _, _ in lane)
    scale = (WIDTH - LEFT - RIGHT) / length
    height = TOP + ROW * len(stages) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
           f'font-family="system-ui, sans-serif" role="img"><title>{html.escape(title)}</title>',
           f'<rect width="{WIDTH}" height="{height}" rx="8" fill="{PAPER}" stroke="#d0d7de"/>', text(LEFT, 20, title, size=13)]

    x = LEFT
    for kind in (*WORDS, "idle"):
        out += [box(x, 30, 12, 10, COLOURS.get(kind, BLANK)), text(x + 17, 39, WORDS.get(kind, "waiting"), size=11)]
        x += 32 + 6.2 * len(WORDS.get(kind, "waiting"))

    for row, pid in enumerate(sorted(stages)):
        y = TOP + ROW * row
        out += [text(LEFT - 8, y + 18, stages[pid], "end"), box(LEFT, y, length * scale, LANE, BLANK)]
        for start, end, kind, micro_batch in joined(compute[pid], 1.5 / scale):
            out.append(box(LEFT + start * scale, y, (end - start) * scale, LANE, COLOURS[kind]))
            if micro_batch is not None:
                out.append(f'<path d="M{LEFT + end * scale:.1f} {y}v{LANE}" stroke="{PAPER}"/>')
                if (end - start) * scale > 14:
                    middle = LEFT + (start + end) / 2 * scale
                    out.append(text(middle, y + 17, str(micro_batch), "middle", 11, PAPER))
        strokes = "".join(f"M{LEFT + start * scale:.1f} {y + LANE + GAP}h{(end - start) * scale:.1f}"
                          for start, end, _, _ in joined(tp[pid], 1.5 / scale))
        out.append(f'<path d="{strokes}" transform="translate(0 {THIN / 2:g})" stroke="{COLOURS["tp"]}" stroke-width="{THIN}"/>')

    axis = TOP + ROW * len(stages)
    step = next(s for s in (0.001 * m * 10**e for e in range(7) for m in (1, 2, 5)) if length / s <= 10)
    for tick in range(int(length / step) + 1):
        x = LEFT + tick * step * scale
        out += [f'<path d="M{x:.1f} {axis - 4}v5" stroke="{INK}"/>', text(x, axis + 15, f"{tick * step:g} s", "middle", 11)]
    print("\n".join((*out, "</svg>")))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: draw_timeline.py TRACE.json TITLE > picture.svg")
    draw(sys.argv[1], sys.argv[2])
