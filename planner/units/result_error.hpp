#pragma once

#include <stdexcept>

namespace foreshard {

/// Thrown where the input leads to a result that cannot be: not a number, infinite, negative, or beyond what the
/// simulator's clock holds. The message names the quantity and the input that is likely to blame.
class ResultError : public std::domain_error {
 public:
  using std::domain_error::domain_error;
};

}  // namespace foreshard
