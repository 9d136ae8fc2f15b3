#!/usr/bin/env python3
"""Pages that --html writes, in headless Chromium: no error on the console, and the figures of the JSON in the page.

usage: report_page_test.py FORESHARD      exits with 77 where there is no Chromium
"""
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAUGHTY = """name: '<img src=x onerror="console.log(1)">'
model: llama3-8b
cluster: {name: dgx-h100, nodes: 1}
parallelism: {tp: 2, pp: 2}
training: {sequence_length: 4096, global_batch: 32, micro_batch: 1}
"""


def browser():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def shown(page, folder):
    """The page's elements after its script has run, and what it wrote on the console."""
    done = subprocess.run(
        [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=5000",
         f"--user-data-dir={folder}/profile", "--dump-dom", f"file://{page}"], capture_output=True, text=True, timeout=120)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console


def without_sources(dom):
    """The elements that are shown: without the record, styles and scripts."""
    return re.sub(r"<(script|style|noscript)\b.*?</\1>", " ", dom, flags=re.S)


def text_of(dom):
    """What a reader sees."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", dom)))


def check(condition, message, failures):
    if not condition:
        failures.append(message)


def significant(value, digits=3):
    from math import floor, log10
    decimals = max(0, digits - 1 - floor(log10(abs(value)) + 1e-12)) if value else 0
    return f"{value:,.{decimals}f}"


def check_page(name, command, expected, tool, folder, failures):
    page = Path(folder) / f"{name}.html"
    done = subprocess.run([tool, *command, "--html", page, "--format", "json"], capture_output=True, text=True)
    check(done.returncode in (0, 1), f"{name}: exit code {done.returncode}: {done.stderr}", failures)
    record = json.loads(done.stdout)
    dom, console = shown(page, folder)
    check(not console, f"{name}: console: {console}", failures)
    dom = without_sources(dom)
    text = text_of(dom)
    for value in expected(record):
        check(value in text, f"{name}: the page lacks '{value}'", failures)
    has_charts = "built without charts" not in text
    check(not has_charts or "<svg" in dom or "<canvas" in dom, f"{name}: no chart is drawn", failures)
    check('aria-labelledby="figure-' in dom or name == "list", f"{name}: figures have no labels", failures)
    check("<img" not in dom, f"{name}: a name became an element", failures)


def plan_values(record):
    step, memory = record["step"], record["memory"]
    gib = 2 ** 30
    return [*record["verdict"]["text"], significant(step["time_s"]) + " s",
            f"{(memory['reserved_bytes'] + memory['context_bytes']) / gib:.1f} GiB",
            *(f"{stage['weights_bytes'] / gib:.1f}" for stage in memory["stages"]),
            *(f"{axis['calls']:,}" for axis in record["communication"].values() if axis["calls"])]


def main():
    if browser() is None:
        print("skipped: there is no Chromium")
        return 77
    tool = sys.argv[1]
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "naughty.yaml"
        job.write_text(NAUGHTY)
        check_page("plan", ["plan", job], plan_values, tool, folder, failures)
        check_page("simulate", ["simulate", "llama3-70b-64h100"], lambda record: [
            *plan_values(record), "The step as a timeline", "Zoom in"], tool, folder, failures)
        check_page("compare", ["compare", "llama3-70b-64h100", "--tp", "4,8"], lambda record: [
            *record["verdict"]["text"], *(significant(v["estimate"]["step"]["time_s"]) for v in record["variants"]),
            "does not fit"], tool, folder, failures)
        check_page("score", ["score", "korthikanti"], lambda record: [
            *record["verdict"]["text"], *(case["name"] for case in record["cases"]),
            *(significant(case["measured_s"]) for case in record["cases"])], tool, folder, failures)
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
