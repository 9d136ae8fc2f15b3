#pragma once

#include <stdexcept>

namespace foreshard {

/// Thrown if the input leads to an impossible result: not a number, infinite, negative, or beyond the range
/// of the simulator's clock. The message names the quantity and the input that probably caused it.
class ResultError : public std::domain_error {
 public:
  using std::domain_error::domain_error;
};

}  // namespace foreshard
