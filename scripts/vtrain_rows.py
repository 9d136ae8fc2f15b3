#!/usr/bin/env python3
"""Turns vTrain's measured steps on one node into jobs, and says how far off their predictions are.

  scripts/vtrain_rows.py ground_truth_single.csv --rows even --every 30 > rows.yaml
  scripts/vtrain_rows.py ground_truth_single.csv --rows odd --score build/dev/bin/foreshard

The file is data/ground_truth_single.csv of github.com/VIA-Research/vTrain (MIT): 1,440 GPT steps of Megatron-DeepSpeed on 2 to 8
A100, in fp16 with full recomputation. Odd rows set the host's constants of megatron-deepspeed (docs/frameworks.md), even rows judge.
"""
import argparse
import csv
import json
import subprocess
import sys
import tempfile

JOB = """name: vtrain-single-{row:04d}
model: {{name: "GPT {layers} x {hidden}", layers: {layers}, hidden: {hidden}, ffn_hidden: {ffn}, ffn: gelu, heads: {heads}, kv_heads: {heads}, vocab: 50257, tied_embeddings: true, norm: layernorm, biases: all, positions: learned}}
cluster: {{accelerator: a100-80gb-sxm, devices_per_node: {devices}, nodes: 1}}
framework: megatron-deepspeed
parallelism: {{tp: {tp}, pp: {pp}, vp: 1, cp: 1, ep: 1, dp: {dp}, sequence_parallel: false, zero: 0}}
training: {{sequence_length: {sequence}, global_batch: {batch}, micro_batch: {micro_batch}, precision: fp16, attention: unfused, recompute: full, schedule: 1f1b, overlap: {{tp: none, dp: false, pp: false}}}}
measured: {{step_time: {seconds:.6f} s, source: "VIA-Research/vTrain:data/ground_truth_single.csv, row {row} (Megatron-DeepSpeed; fp16, full recomputation, 1f1b)", assumed: "ffn=4h; vocab 50257; A100 memory size"}}
"""
COLUMNS = ("devices", "batch", "micro_batch", "hidden", "heads", "layers", "sequence", "tp", "dp", "pp")


def read_rows(path, which, every):
    """The rows as dictionaries, numbered from 1; every n-th of the odd, the even or all rows."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))[1:]
    rows = []
    for number, line in enumerate(lines, 1):
        if which != "all" and (number % 2 == 1) != (which == "odd"):
            continue
        row = dict(zip(COLUMNS, (int(float(value)) for value in line)))
        row.update(row=number, ffn=4 * row["hidden"], seconds=float(line[10]) / 1000.0)
        rows.append(row)
    return rows[::every]


def print_errors(title, groups):
    print(f"  {title:<24} {'rows':>5} {'mean |error|':>13} {'bias':>7}")
    for name, errors in sorted(groups.items()):
        mean = sum(abs(error) for error in errors) / len(errors)
        print(f"  {name:<24} {len(errors):>5} {100 * mean:>12.1f}% {100 * sum(errors) / len(errors):>+6.1f}%")


def score(rows, foreshard, settings):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("---\n".join(JOB.format(**row) for row in rows))
        file.flush()
        command = [foreshard, "score", file.name, "--format", "json", "--worst", str(len(rows))]
        for setting in settings:
            command += ["--set", setting]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    errors = {case["name"]: case["error"] for case in json.loads(answer)["cases"]}
    by_tp, by_size, every = {}, {}, {"all": []}
    for row in rows:
        error = errors[f"vtrain-single-{row['row']:04d}"]
        every["all"].append(error)
        by_tp.setdefault(f"tp {row['tp']}, micro-batch {'1' if row['micro_batch'] == 1 else '2 to 8'}", []).append(error)
        by_size.setdefault(f"hidden {row['hidden']}, micro-batch {row['micro_batch']}", []).append(error)
    print_errors("", every)
    print_errors("tensor parallelism", by_tp)
    print_errors("size", by_size)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv")
    parser.add_argument("--rows", choices=("odd", "even", "all"), default="all")
    parser.add_argument("--every", type=int, default=1, help="every n-th of these rows")
    parser.add_argument("--score", metavar="FORESHARD", help="print the errors of this tool's predictions")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for --score")
    options = parser.parse_args()
    rows = read_rows(options.csv, options.rows, options.every)
    if options.score:
        score(rows, options.score, options.set)
    else:
        sys.stdout.write("---\n".join(JOB.format(**row) for row in rows))


main()
