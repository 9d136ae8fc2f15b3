#pragma once

#include <string_view>

namespace foreshard::cli {

/// Writes `text` to standard output. It is not an error if the reader has closed the pipe (`foreshard … |
/// head`).
/// @throws EnvironmentError for any other failure. @pre SIGPIPE is ignored.
void print_result(std::string_view text);

}  // namespace foreshard::cli
