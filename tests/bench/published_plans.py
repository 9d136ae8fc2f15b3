#!/usr/bin/env python3
"""Does a search find the plans that large trainings published, or better ones?

    tests/bench/published_plans.py FORESHARD [NAME...]

Searches each job of published_plans.yaml (or those named), with its degrees, micro-batch, recomputation and ZeRO stage left
open, and prints the published plan beside the one found. Not a test: it takes minutes.
"""

import json
import pathlib
import re
import subprocess
import sys
import time

def jobs():
    text = (pathlib.Path(__file__).parent / "published_plans.yaml").read_text()
    for document in text.split("\n---\n")[1:]:
        yield re.search(r"^name: (\S+)", document, re.M).group(1), document


def answer(foreshard, command, job, *options):
    done = subprocess.run(
        [foreshard, command, "-", "--format", "json", *options], input=job, text=True, capture_output=True, check=False
    )
    if not done.stdout:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def axes_of(job):
    """tp, pp, micro-batch, recomputation and ZeRO; chunks and layers of stages where the plan has some, and the degrees of experts."""
    axes = "tp,pp,micro_batch,recompute,zero"
    axes += ",vp" if re.search(r"\bvp: ", job) else ""
    axes += ",stages" if "stages: [" in job else ""
    return axes + (",ep,etp" if re.search(r"\bep: ", job) else "")


def main():
    foreshard, wanted = sys.argv[1], sys.argv[2:]
    for name, job in jobs():
        if wanted and name not in wanted:
            continue
        own = answer(foreshard, "plan", job)
        begin = time.monotonic()
        search = answer(foreshard, "search", job, "--free", axes_of(job), "--top", "1")["search"]
        seconds = time.monotonic() - begin
        best = search["plans"][0]
        own_s, best_s = own["step"]["time_s"], best["estimate"]["step"]["time_s"]
        print(f"{name}: {search['counts']['plans']:,} plans in {seconds:.0f} s")
        print(f"  published {own_s:8.3g} s, {own['memory']['verdict']}")
        print(f"  found     {best_s:8.3g} s ({best_s / own_s - 1:+.1%})  {best['choices']}", flush=True)


if __name__ == "__main__":
    main()
