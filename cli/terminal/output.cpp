#include "cli/terminal/output.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <unistd.h>

#include "cli/terminal/environment_error.hpp"

namespace foreshard::cli {

void print_result(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      return;
    } else if (errno != EINTR) {
      throw EnvironmentError("standard output cannot be written: " + std::string(std::strerror(errno)));
    }
  }
}

}  // namespace foreshard::cli
