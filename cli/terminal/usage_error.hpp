#pragma once

#include <stdexcept>
#include <string>

#include "planner/results/request_error.hpp"

namespace foreshard::cli {

/// The error for a wrong command line. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Words the error of a study for the command line: "--slowdown: rank 64 is not one of the job's 64 ranks".
/// This works because options have the same names as the parts of a request.
inline std::string request_complaint(const RequestError& error) {
  const std::string& what = error.what_is_asked();
  return what.empty() ? error.what() : "--" + what + ": " + error.what();
}

}  // namespace foreshard::cli
