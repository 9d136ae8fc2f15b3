#!/usr/bin/env bash
# The timeline in the README is drawn from a step that the simulator plays now. Skipped (77) without Python.
#
#   picture.sh ROOT FORESHARD             complains if it is another
#   picture.sh ROOT FORESHARD --update    draws it anew
set -euo pipefail
root=$1
foreshard=$2
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
picture=$root/docs/pictures/timeline.svg
if [[ ${3:-} == --update ]]; then
  cp "$scratch/timeline.svg" "$picture"
elif ! cmp "$scratch/timeline.svg" "$picture"; then
  echo "$picture is not the step that is simulated now; scripts/update_outputs.sh draws it anew"
  exit 1
fi
