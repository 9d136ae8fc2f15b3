#!/usr/bin/env bash
# Trains the example's model of characters for real, on one rank and sharded, and compares the losses step by step.
#
#   train_test.sh FORESHARD_RUN EXAMPLE MPIRUN…
set -euo pipefail
tool=$1
example=$2
shift 2
mpirun=("$@")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
steps=60
# In fp32 shards add up in another order. A step's loss is good to about 1e-6; sixty steps carry that on.
bound=1e-4

fail() {
  echo "$1"
  exit 1
}

# train NAME RANKS PARALLELISM: the losses of all steps, one a line, in NAME.
train() {
  "${mpirun[@]}" "$2" "$tool" train "$example/job.yaml" --text "$example/text.txt" --steps $steps --learning-rate 0.003 \
    --threads 1 --format json --set "parallelism=$3" >"$scratch/$1.json" </dev/null
  sed -n '/"losses"/,/\]/p' "$scratch/$1.json" | grep -oE '[0-9]+\.[0-9e-]+' >"$scratch/$1"
  [[ $(wc -l <"$scratch/$1") == "$steps" ]] || fail "$1: not $steps losses: $(cat "$scratch/$1.json")"
}
value() { grep -oE "\"$2\": [0-9.]+" "$scratch/$1.json" | grep -oE '[0-9.]+$'; }

train one 1 '{}'
awk -v first="$(head -n 1 "$scratch/one")" -v last="$(value one final_loss)" -v entropy="$(value one entropy)" 'BEGIN {
  printf "one rank: loss %s at first, %s at the end; %s by frequencies alone\n", first, last, entropy
  exit !(first > entropy && last < entropy)
}' || fail "the model has learnt nothing"

while read -r name ranks parallelism; do
  train "$name" "$ranks" "$parallelism"
  paste "$scratch/one" "$scratch/$name" | awk -v name="$name" -v bound=$bound '
    { d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d }
    END { printf "%s: the same curve to %.1e\n", name, most; exit !(most <= bound) }' || fail "$name: another curve"
done <<'END'
tp2 2 {tp: 2}
pp2 2 {pp: 2}
dp2 2 {dp: 2}
tp2-pp2 4 {tp: 2, pp: 2}
END
