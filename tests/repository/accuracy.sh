#!/usr/bin/env bash
# Predictions of the published runs must not get worse unseen: no source's mean absolute error may be more than one
# percentage point above its committed figure, and the predicted bands must hold 70 to 90% of the runs.
#
#   accuracy.sh FORESHARD BASELINE            complains of every source that got worse
#   accuracy.sh FORESHARD BASELINE --update   writes the figures of now into the baseline
#
# FORESHARD_CONFIGS says where the measured runs are. The baseline holds lines `source: 12.3%`.
set -euo pipefail
foreshard=$1
baseline=$2
update=${3:-}

score=$("$foreshard" score --worst 0 --format json)
# The keys of "sources" are their names; a level deeper stand their statistics: null where no step was measured.
figures=$(sed -nE '/^  "sources"/,/^  \}/ { s/^    "([^"]+)": \{$/\1/p; s/^      "mean_abs_error": ([0-9.e-]+|null),$/\1/p }' \
  <<<"$score" | paste - - | awk -F '\t' '$2 != "null" { printf "%s: %.1f%%\n", $1, 100 * $2 }')
coverage=$(sed -nE 's/^    "coverage": ([0-9.e-]+),$/\1/p' <<<"$score")

if [[ -n $update ]]; then
  {
    echo "# The mean absolute error of predicted step times by source: scripts/update_accuracy.sh writes it."
    echo "$figures"
  } >"$baseline"
  echo "$(wc -l <<<"$figures") sources written"
  exit
fi

awk -F ': ' -v coverage="$coverage" '
  function fail(text) { print text; failed = 1 }
  FNR == 1 { ++file }
  /^(#|$)/ { next }
  { percent = $2 + 0 }
  file == 1 { committed[$1] = percent; next }
  {
    if (!($1 in committed)) { fail($1 ": has no committed figure; it is " $2 " off"); next }
    if (percent > committed[$1] + 1.0)
      fail(sprintf("%s: %.1f%% off in the mean, %.1f points above the committed %.1f%%; 1.0 is let pass",
        $1, percent, percent - committed[$1], committed[$1]))
    delete committed[$1]
  }
  END {
    for (source in committed) fail(source ": has a committed figure and no measured runs")
    if (coverage < 0.7 || coverage > 0.9)
      fail(sprintf("bands hold %.0f%% of the runs, not 70 to 90: `foreshard score --bands --worst 0` says which quantiles (kPublished in planner/cost/step/error_band.hpp) would hold 80%%",
        100 * coverage))
    if (failed) print "if that is meant: scripts/update_accuracy.sh commits to the figures of now"
    exit failed
  }' "$baseline" - <<<"$figures"
