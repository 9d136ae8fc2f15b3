#include "planner/spec/megatron/shell_script.hpp"

#include <string>
#include <vector>

#include "planner/spec/megatron/megatron_parts.hpp"
#include "planner/spec/megatron/shell_test.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard::detail;

namespace {

using Words = std::vector<std::string>;

/// The words of the last command of a script.
Words last_command(const std::string& text) {
  const ShellScript script = follow_shell(text);
  Words words;
  if (script.commands.empty()) return words;
  for (const ShellText& word : script.commands.back().words)
    words.push_back(unknown_in(word.chars()).empty() ? word.chars() : "?" + unknown_in(word.chars()));
  return words;
}

}  // namespace

TEST_CASE("variables are replaced as the shell does") {
  CHECK(last_command("A=1\nrun $A ${A}x \"$A $A\" '$A'\n") == Words{"run", "1", "1x", "1 1", "$A"});
  CHECK(last_command("A=\"--x 1 --y 2\"\nrun $A\n") == Words{"run", "--x", "1", "--y", "2"});
  CHECK(last_command("A=\"--x 1\"\nrun \"$A\"\n") == Words{"run", "--x 1"});
  CHECK(last_command("run ${B:-3} ${B:-\"four five\"} ${C-}\n") == Words{"run", "3", "four", "five"});
  CHECK(last_command("B=7\nrun ${B:-3} ${B:+set}\n") == Words{"run", "7", "set"});
  CHECK(last_command("N=8\nM=$((N * 2 + 1))\nrun $M $(($N/2))\n") == Words{"run", "17", "4"});
  CHECK(last_command("A=1; A+=2; export B=$A C=3; run $B$C\n") == Words{"run", "123"});
  CHECK(last_command("run $UNSET $1 $(date)\n") == Words{"run", "?UNSET", "?1", "?(date)"});
}

TEST_CASE("arrays, line ends and comments") {
  CHECK(last_command("A=(\n  --x 1 # one\n  \"--y 2\"\n)\nA+=(--z)\nrun ${A[@]}\n") ==
        Words{"run", "--x", "1", "--y", "2", "--z"});
  CHECK(last_command("A=(a b)\nA=(\"${A[@]}\" c)\nrun \"${A[@]}\" \\\n  d # e\n") ==
        Words{"run", "a", "b", "c", "d"});
  CHECK(last_command("run a 2>&1 | tee log\n") == Words{"run", "a"});
}

TEST_CASE("tests decide what is run, as far as the file says it") {
  CHECK(last_command("A=x\nif [ \"$A\" = x ]; then B=1; else B=2; fi\nrun $B\n") == Words{"run", "1"});
  CHECK(last_command(
            "A=y\nif [[ $A == x ]]; then B=1\nelif [[ $A == y* ]]; then B=3\nelse B=2\nfi\nrun $B\n") ==
        Words{"run", "3"});
  CHECK(last_command("B=0\nif [ -n \"$TOKEN\" ]; then B=1; fi\nrun $B\n") == Words{"run", "0"});
  CHECK(last_command("B=0\nif [ ! -f x.py ]; then B=1; fi\nrun $B\n") == Words{"run", "0"});
  CHECK(last_command("[ -z \"$A\" ] && A=5\n[ $A -gt 4 ] || A=0\nrun $A\n") == Words{"run", "5"});
  CHECK(last_command("case \"b\" in a) X=1 ;; b|c) X=2 ;; *) X=3 ;; esac\nrun $X\n") == Words{"run", "2"});
  CHECK(last_command(
            "X=1\nfor i in 1 2; do X=2; done\nwhile [ $# -gt 0 ]; do shift; done\nf() { X=3; }\nrun $X\n") ==
        Words{"run", "1"});
  CHECK(shell_test({"1", "-eq", "1", "&&", "a", "!=", "b"}) == true);
  CHECK_FALSE(shell_test({"-f", "x"}).has_value());
  CHECK(shell_arithmetic("2*(3+4)%5") == 4);
  CHECK_FALSE(shell_arithmetic("2/0").has_value());
  CHECK(shell_matches("a*c", "abbc"));
}

TEST_CASE("Slurm's variables come from the lines that ask for nodes") {
  CHECK(last_command("#!/bin/bash\n#SBATCH --nodes=4\n#SBATCH --gpus-per-node=8\nrun $SLURM_NNODES "
                     "$SLURM_GPUS_PER_NODE\n") == Words{"run", "4", "8"});
}

TEST_CASE("a list is read as Python writes it") {
  using Numbers = std::vector<std::int64_t>;
  CHECK(python_list("[0]*3+[1]*2") == Numbers{0, 0, 0, 1, 1});
  CHECK(python_list("([1]*3+[0])*2") == Numbers{1, 1, 1, 0, 1, 1, 1, 0});
  CHECK(python_list("[1,0, 1]") == Numbers{1, 0, 1});
  CHECK_FALSE(python_list("4").has_value());
  CHECK_FALSE(python_list("[1]*").has_value());
}
