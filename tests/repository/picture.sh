#!/usr/bin/env bash
# The pictures of the README are drawn from what the tool prints and from a step that the simulator plays now, that of
# docs/benchmarks.md from the table there. Skipped (77) without Python.
#
#   picture.sh ROOT FORESHARD             complains of pictures that differ
#   picture.sh ROOT FORESHARD --update    draws them anew
set -euo pipefail
root=$1
foreshard=$2
mode=${3:-}
export FORESHARD_CONFIGS=$root/configs
if ! python3 -c '' 2>/dev/null; then
  echo "skipped: there is no python3 here"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$foreshard" simulate "$root/examples/03_simulate/job.yaml" --set training.global_batch=8 --trace "$scratch/step.json" >/dev/null
"$root/scripts/draw_timeline.py" "$scratch/step.json" \
  "Llama 3 8B, tp 2 × pp 4 on eight H100: one step of 8 micro-batches, 1f1b" >"$scratch/timeline.svg"

# The answer in words and where the time goes: the tables of memory and communication come after the line "step".
"$foreshard" plan llama3-70b-64h100 --color always | sed -n '1,/^    step /p' |
  "$root/scripts/draw_terminal.py" "foreshard plan llama3-70b-64h100" >"$scratch/plan.svg"

"$root/scripts/draw_growth.py" "$root/docs/benchmarks.md" >"$scratch/growth.svg"

failed=0
for picture in timeline plan growth; do
  shown=$root/docs/pictures/$picture.svg
  if [[ $mode == --update ]]; then
    cp "$scratch/$picture.svg" "$shown"
  elif ! cmp "$scratch/$picture.svg" "$shown"; then
    echo "$shown is not what the tool shows now; scripts/update_outputs.sh draws it anew"
    failed=1
  fi
done
exit $failed
