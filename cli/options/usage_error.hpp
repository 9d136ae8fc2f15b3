#pragma once

#include <stdexcept>

namespace foreshard::cli {

/// The command line asks for something that there is not. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace foreshard::cli
