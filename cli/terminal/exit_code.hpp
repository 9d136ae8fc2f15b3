#pragma once

namespace foreshard::cli {

/// The exit codes of the tools.
enum class ExitCode : int {
  done = 0,
  no = 1,           ///< the answer is no: a job does not fit, a run is not as predicted
  wrong_input = 2,  ///< a file or the command line is wrong
  environment = 3,  ///< the machine failed: a file that cannot be read, no memory
};

}  // namespace foreshard::cli
