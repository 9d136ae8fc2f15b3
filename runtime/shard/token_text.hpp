#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foreshard {

/// A text to train on. Its characters (bytes) are tokens; the different characters that occur are numbered in
/// ascending order.
struct TokenText {
  std::vector<std::uint8_t> tokens;
  std::string alphabet;  ///< by token number

  /// The loss per token, in nats, of a model that only knows the frequency p of each character: Σ p·ln(1/p).
  [[nodiscard]] double entropy() const;
};

TokenText tokens_of(std::string_view text);

}  // namespace foreshard
