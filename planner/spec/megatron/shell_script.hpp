#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/megatron/shell_text.hpp"

namespace foreshard::detail {

/// A command of a script, with its variables replaced.
struct ShellCommand {
  std::vector<ShellText> words;
};

/// What following a script without running anything has found.
struct ShellScript {
  std::vector<ShellCommand> commands;  ///< those that the script would run, as far as it can be followed
  /// Texts and arrays that the script assigns, as words: commands may be assembled in them.
  std::vector<ShellCommand> assigned;
  std::vector<std::string> read_files;  ///< files that the script reads with "source"; they are not followed
};

/// Follows a shell script without running anything: assignments, arrays, ${NAME:-default}, $((…)), if and case
/// with tests of texts and numbers, here-documents. Loops, functions and tests of files are passed over.
/// #SBATCH --nodes and --gpus-per-node set the variables that Slurm sets from them.
ShellScript follow_shell(std::string_view script);

}  // namespace foreshard::detail
