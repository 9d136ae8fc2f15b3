#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foreshard {

/// A text to train on: its characters (bytes) as token numbers, in the order of those that occur.
struct TokenText {
  std::vector<std::uint8_t> tokens;
  std::string alphabet;  ///< by token number

  /// What a model loses per token, in nats, that knows how often each occurs and nothing else: Σ p·ln(1/p).
  [[nodiscard]] double entropy() const;
};

TokenText tokens_of(std::string_view text);

}  // namespace foreshard
