#!/usr/bin/env bash
# Sources the completion scripts of the tools and looks at what they offer: in bash, and in zsh and fish where they are.
#
#   completion_test.sh FORESHARD_REFERENCE
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
reference=$1
tools=$(dirname "$reference")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PATH=$tools:$PATH
for tool in foreshard foreshard-run; do
  [[ -x $tools/$tool ]] || continue
  for shell in bash zsh fish; do "$reference" "$shell/$tool" "$scratch/$tool.$shell"; done
done
cd "$scratch"
touch my-job.yaml

in_bash() {
  bash -c 'set -u
    tool=${2%% *} function=_${2%% *} COMP_LINE=$2 COMP_POINT=${#2}
    source "$1/$tool.bash"
    [[ $(complete -p "$tool") == *" -F ${function//-/_} $tool" ]]
    COMP_WORDS=("$tool")
    "${function//-/_}"
    printf "%s\n" "${COMPREPLY[@]}"' bash "$scratch" "$1"
}
in_zsh() { timeout 60 zsh -f "$here/offered_by_zsh.zsh" "$tools" "$scratch/${1%% *}.zsh" "$1"; }
in_fish() { HOME=$scratch fish --no-config -c "source $scratch/${1%% *}.fish; complete -C '$1'" | cut -f 1; }

failed=0
# offers SHELL LINE WORD…: these words, and no others, are offered at the end of the line; "+" before them: others too.
offers() {
  local shell=$1 line=$2 offered expected more=
  shift 2
  if [[ $1 == + ]]; then more=yes && shift; fi
  offered=$("in_$shell" "$line" | sed '/^$/d' | sort -u)
  expected=$(printf '%s\n' "$@" | sed '/^$/d' | sort -u)
  [[ -n $more ]] && offered=$(grep -Fx -- "$expected" <<<"$offered" || true)
  if [[ $offered != "$expected" ]]; then
    printf '%s, %s: offers\n%s\nand not\n%s\n' "$shell" "$line" "$offered" "$expected"
    failed=1
  fi
}

for shell in bash zsh fish; do
  if ! command -v "$shell" >/dev/null; then
    echo "there is no $shell here: its script is not tried"
    continue
  fi
  offers $shell 'foreshard ' + compare list plan score show simulate
  offers $shell 'foreshard sim' simulate
  offers $shell 'foreshard plan llama3-' llama3-70b-64h100 llama3-8b-8h100
  offers $shell 'foreshard plan my' my-job.yaml
  offers $shell 'foreshard plan --for' --format
  offers $shell 'foreshard simulate x --format ' csv csv-short html json table
  offers $shell 'foreshard compare x --recompute none,s' none,selective none,selective-ops
  offers $shell 'foreshard show gb' gb200 gb200-nvl72 gb300 gb300-nvl72
  offers $shell 'foreshard list ' accelerators clusters jobs measured models
  offers $shell 'foreshard score x --worst ' ''
  if [[ -e foreshard-run.$shell ]]; then
    offers $shell 'foreshard-run ' + calibrate devices sweep train validate
    offers $shell 'foreshard-run validate tiny-' tiny-bf16-laptop tiny-experts-laptop tiny-gpt-oss-laptop tiny-llama-laptop tiny-patterns-laptop
    offers $shell 'foreshard-run calibrate --like dgx-h' dgx-h100 dgx-h200
  fi
done
# Shells write down lists and keys in ways of their own.
for shell in bash fish; do
  command -v "$shell" >/dev/null || continue
  offers $shell 'foreshard compare x --cluster dgx-a100,dgx-h' dgx-a100,dgx-h100 dgx-a100,dgx-h200
  offers $shell 'foreshard plan x --set training.prec' + training.precision=
done
# Readline keeps what stands before the last =.
offers bash 'foreshard plan x --set training.precision=f' fp16 fp32 fp8
offers bash 'foreshard plan x --set=training.precision=b' bf16
offers bash 'foreshard plan --format=j' json
offers bash 'foreshard plan x --set parallelism.t' parallelism.tp=
if command -v zsh >/dev/null; then
  offers zsh 'foreshard compare x --cluster dgx-a100,dgx-h' dgx-a100,dgx-h100 dgx-a100,dgx-h200
  offers zsh 'foreshard plan x --set training.prec' training.precision
  offers zsh 'foreshard plan x --set training.precision=f' training.precision=fp16 training.precision=fp32 training.precision=fp8
fi
exit $failed
