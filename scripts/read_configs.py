#!/usr/bin/env python3
"""Reads every config.json of a folder with foreshard, and prints what became of each: read or refused and why, its
parameters, those active for a token with and without tables that are only looked up, and the notes.

  scripts/read_configs.py FOLDER [--published FILE.csv] [--foreshard TOOL] [--notes]

FOLDER holds files NAME.json or folders NAME/config.json. FILE.csv has the lines "name,total,active,source", of which
the last two may be missing and a star in the name stands for any text; the differences to these counts are shown,
that of the active count for the nearer one. scripts/published_parameters.csv is such a file. A count is exact unless a
note says what it leaves out. Exit code 1 if a file was refused.
"""
import argparse
import csv
import fnmatch
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def find_tool(named):
    for tool in [named] if named else [ROOT / "foreshard", ROOT / "build/release/bin/foreshard",
                                       ROOT / "build/tools/bin/foreshard", ROOT / "build/dev/bin/foreshard"]:
        if pathlib.Path(tool).is_file():
            return str(tool)
    sys.exit("read_configs.py: no foreshard is built here; scripts/try.sh builds one, --foreshard names another")


def configs_of(folder):
    """(name, file) of each config, sorted."""
    files = [(file.stem, file) for file in folder.glob("*.json")]
    files += [(file.parent.name, file) for file in folder.glob("*/config.json")]
    return sorted(files)


def read(tool, file):
    """(parameters, notes) of a config, or the first complaint about it."""
    done = subprocess.run([tool, "plan", str(file), "--on", "dgx-h100", "--sequence", "4096", "--format", "json"],
                          capture_output=True, text=True, check=False)
    if done.returncode in (0, 1) and done.stdout:
        job = json.loads(done.stdout)
        return job["model"]["parameters"], [note for note in job.get("notes", []) if not note.startswith("assumed:")], None
    errors = [line for line in done.stderr.splitlines() if "error: " in line]
    why = errors[0].split("error: ", 1)[1] if errors else done.stderr.strip()
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return None, [], why + more


def published_counts(file):
    """[(pattern, [total, active])], in the file's order."""
    with open(file, newline="", encoding="utf-8") as lines:
        return [(row[0], [int(cell) for cell in row[1:3] if cell.strip()]) for row in csv.reader(lines)
                if len(row) > 1 and row[1].strip().isdigit()]


def beside_published(parameters, counts):
    """The published counts, and how far ours are from them."""
    total = counts[0]
    text = f"  {total / 1e9:,.2f}B, {100 * (parameters['total'] / total - 1):+.2f}%"
    if len(counts) > 1:
        off = [100 * (parameters[kind] / counts[1] - 1) for kind in ("active", "active_computed")]
        text += f"; {counts[1] / 1e9:,.2f}B, {min(off, key=abs):+.1f}%"
    return text


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--published")
    options.add_argument("--foreshard")
    options.add_argument("--notes", action="store_true", help="print the notes about each file below it")
    given = options.parse_args()
    tool = find_tool(given.foreshard)
    published = published_counts(given.published) if given.published else []
    configs = configs_of(given.folder)
    width = max((len(name) for name, _ in configs), default=4)
    print(f"{'file':{width}}  {'total':>17}  {'active':>15}  {'computed':>15}  published, difference")
    refused = 0
    for name, file in configs:
        parameters, notes, why = read(tool, file)
        if parameters is None:
            refused += 1
            print(f"{name:{width}}  refused: {why}")
            continue
        line = (f"{name:{width}}  {parameters['total']:17,}  {parameters['active']:15,}"
                f"  {parameters['active_computed']:15,}")
        counts = next((counts for pattern, counts in published if fnmatch.fnmatch(name, pattern)), None)
        if counts:
            line += beside_published(parameters, counts)
        print(line)
        if given.notes:
            for note in notes:
                print(f"{'':{width}}    {note}")
    print(f"{len(configs) - refused} of {len(configs)} read")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
