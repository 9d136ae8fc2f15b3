#pragma once

#include <stdexcept>
#include <string>

#include "planner/results/request_error.hpp"

namespace foreshard::cli {

/// The command line asks for something that there is not. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a study refuses in the words of the command line, whose options are called as parts of the request
/// are: "--slowdown: rank 64 is not one of the job's 64 ranks".
inline std::string request_complaint(const RequestError& error) {
  const std::string& what = error.what_is_asked();
  return what.empty() ? error.what() : "--" + what + ": " + error.what();
}

}  // namespace foreshard::cli
