#pragma once

#include <stdexcept>

namespace foreshard::cli {

/// The error for a failure of the machine. The message names what the failed call was about, the system's
/// error text and the current operation. Exit code 3.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace foreshard::cli
