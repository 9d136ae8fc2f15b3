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

FREE = "tp,pp,vp,micro_batch,recompute,zero"


def jobs():
    text = (pathlib.Path(__file__).parent / "published_plans.yaml").read_text()
    for document in text.split("\n---\n")[1:]:
        yield re.search(r"^name: (\S+)", document, re.M).group(1), document


def searched(foreshard, job):
    axes = FREE + (",ep,etp" if re.search(r"\bep: ", job) else "")
    begin = time.monotonic()
    done = subprocess.run(
        [foreshard, "search", "-", "--free", axes, "--top", "1", "--format", "json"],
        input=job,
        text=True,
        capture_output=True,
        check=False,
    )
    if not done.stdout:
        sys.exit(done.stderr)
    return json.loads(done.stdout)["search"], time.monotonic() - begin


def main():
    foreshard, wanted = sys.argv[1], sys.argv[2:]
    for name, job in jobs():
        if wanted and name not in wanted:
            continue
        answer, seconds = searched(foreshard, job)
        own, best = answer["own"], answer["plans"][0]
        plans = sum(site["plans"] for site in answer["sites"])
        print(f"{name}: {plans:,} plans in {seconds:.0f} s")
        for word, plan in (("published", own), ("found", best)):
            print(f"  {word:9} {plan['step_s']:8.3g} s  {plan['choices']}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
