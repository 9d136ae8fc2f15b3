#pragma once

#include <string_view>

namespace foreshard::cli {

/// Writes all of `text` to standard output. A reader that has gone (`foreshard … | head`) has what it wanted:
/// that is no failure. @throws EnvironmentError for any other. @pre SIGPIPE is ignored.
void print_result(std::string_view text);

}  // namespace foreshard::cli
