#pragma once

#include <stdexcept>

namespace foreshard::cli {

/// The machine failed; the message names the call's object, the system's own words and the operation under
/// way. Exit code 3.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace foreshard::cli
