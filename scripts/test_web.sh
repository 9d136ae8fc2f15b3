#!/usr/bin/env bash
# Builds the planner's page and tests it: its numbers against the command line's for 200 jobs, and the whole page in headless
# Chromium by the keyboard. Then measures it. For what CI has no time for.
#
#   scripts/test_web.sh [PICTURES]         PICTURES: a folder for screenshots
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if ! command -v chromium >/dev/null; then
  say "test_web.sh needs chromium (Debian: apt-get install --no-install-recommends chromium)"
  exit 3
fi
scripts/build_web.sh
step "configuring the tool" cmake --preset tools
step "building the tool" cmake --build --preset tools
tool=build/tools/bin/foreshard
export FORESHARD_CONFIGS=$PWD/configs
node --test tests/web/yaml_edit_test.mjs
node tests/web/same_numbers_test.mjs "$tool" "$PWD/build/web/module/bin" configs
node tests/web/planner_page_test.mjs build/web/foreshard.html "$tool" configs "${1:-}"
node scripts/time_page.mjs build/web/foreshard.html
