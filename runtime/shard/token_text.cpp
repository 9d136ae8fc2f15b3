#include "runtime/shard/token_text.hpp"

#include <array>
#include <cmath>
#include <cstddef>

namespace foreshard {

namespace {

constexpr std::size_t kBytes = 256;

}  // namespace

double TokenText::entropy() const {
  std::array<double, kBytes> counts{};
  for (const std::uint8_t token : tokens) counts[token] += 1.0;
  double sum = 0.0;
  for (const double count : counts) {
    const double share = count / static_cast<double>(tokens.size());
    if (count > 0.0) sum -= share * std::log(share);
  }
  return sum;
}

TokenText tokens_of(std::string_view text) {
  std::array<bool, kBytes> occurs{};
  for (const char letter : text) occurs[static_cast<unsigned char>(letter)] = true;
  TokenText read;
  std::array<std::uint8_t, kBytes> number{};
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    if (!occurs[byte]) continue;
    number[byte] = static_cast<std::uint8_t>(read.alphabet.size());
    read.alphabet.push_back(static_cast<char>(byte));
  }
  read.tokens.reserve(text.size());
  for (const char letter : text) read.tokens.push_back(number[static_cast<unsigned char>(letter)]);
  return read;
}

}  // namespace foreshard
