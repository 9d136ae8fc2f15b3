#!/usr/bin/env bash
# How far predicted step times are from those that people measured: per file of configs/measured, the number of
# cases, the mean absolute error and the bias (predicted/measured − 1), and the same over all.
#
#   scripts/measured_errors.sh [FORESHARD]      the tool; build/tools/bin/foreshard if unsaid
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
foreshard=${1:-$root/build/tools/bin/foreshard}

for file in configs/measured/*.yaml; do
  # Exit code 1 says that a case does not fit: it is priced all the same.
  predicted=$("$foreshard" plan "$file" --format json || test $? = 1)
  paste <(awk '/"step": \{/ { getline; gsub(",", "", $2); print $2 }' <<<"$predicted") \
    <(sed -n 's/^measured: {step_time: \([0-9.]*\) s.*/\1/p' "$file") |
    awk -v name="$(basename "$file" .yaml)" '{ print name, $1 / $2 - 1 }'
done | awk '
  function row(name) { printf "%-24s %4d %8.1f%% %8.1f%%\n", name, n[name], 100 * size[name] / n[name], 100 * sum[name] / n[name] }
  { n[$1]++; n["all"]++; e = $2 < 0 ? -$2 : $2; size[$1] += e; size["all"] += e; sum[$1] += $2; sum["all"] += $2
    if (!($1 in seen)) { seen[$1]; order[++count] = $1 } }
  BEGIN { printf "%-24s %4s %9s %9s\n", "source", "n", "error", "bias" }
  END { for (i = 1; i <= count; i++) row(order[i]); row("all") }'
