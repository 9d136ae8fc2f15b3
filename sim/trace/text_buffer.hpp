#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace foreshard {

/// A buffer in which text is built. Its memory is reused, so that no field needs a stream or an allocation.
class TextBuffer {
 public:
  [[nodiscard]] std::string_view view() const { return {text_.data(), used_}; }
  [[nodiscard]] std::size_t size() const { return used_; }
  void clear() { used_ = 0; }

  TextBuffer& operator<<(std::string_view text) {
    std::memcpy(room_for(text.size()), text.data(), text.size());
    used_ += text.size();
    return *this;
  }
  TextBuffer& operator<<(std::int64_t value) {
    char* const place = room_for(kLongestInteger);
    used_ += static_cast<std::size_t>(std::to_chars(place, place + kLongestInteger, value).ptr - place);
    return *this;
  }
  /// Appends picoseconds as microseconds with six decimals, which is exact. @pre picoseconds >= 0
  TextBuffer& microseconds(std::int64_t picoseconds) {
    constexpr std::int64_t kPerMicrosecond = 1'000'000;
    *this << picoseconds / kPerMicrosecond;
    std::array<char, 7> fraction{'.', '0', '0', '0', '0', '0', '0'};
    std::int64_t rest = picoseconds % kPerMicrosecond;
    for (std::size_t digit = fraction.size() - 1; rest > 0; --digit, rest /= 10)
      fraction[digit] = static_cast<char>('0' + rest % 10);
    return *this << std::string_view(fraction.data(), fraction.size());
  }

 private:
  static constexpr std::size_t kLongestInteger = 20;  // "-9223372036854775808"

  char* room_for(std::size_t size) {
    if (used_ + size > text_.size()) text_.resize(2 * (used_ + size));
    return text_.data() + used_;
  }

  std::vector<char> text_;
  std::size_t used_ = 0;
};

}  // namespace foreshard
