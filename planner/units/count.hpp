#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

#include "planner/units/dimension.hpp"

namespace foreshard {

/// 128-bit integers hold totals over all ranks: one step of a 405B model on 16,384 devices exceeds 2^64
/// FLOPs.
__extension__ using Int128 = __int128;

/// Thrown when a checked count overflows; the message names the operation and what was counted.
class CountOverflow : public std::overflow_error {
 public:
  using std::overflow_error::overflow_error;
};

namespace detail {
[[noreturn]] void throw_count_overflow(const char* operation, const char* what);

template <class Rep>
constexpr Rep checked_add(Rep a, Rep b, const char* what) {
  Rep sum{};
  if (__builtin_add_overflow(a, b, &sum)) throw_count_overflow("addition", what);
  return sum;
}
template <class Rep>
constexpr Rep checked_subtract(Rep a, Rep b, const char* what) {
  Rep difference{};
  if (__builtin_sub_overflow(a, b, &difference)) throw_count_overflow("subtraction", what);
  return difference;
}
template <class Rep>
constexpr Rep checked_multiply(Rep a, Rep b, const char* what) {
  Rep product{};
  if (__builtin_mul_overflow(a, b, &product)) throw_count_overflow("multiplication", what);
  return product;
}
}  // namespace detail

/// A checked whole number of bytes, FLOPs, tokens or parameters. Counts of different kinds do not mix: `Bytes
/// + Flops` does not compile. Every operation that would overflow throws CountOverflow instead of wrapping.
///
/// Tag gives the name used in messages (`Tag::kName`) and the physical dimension (`Tag::dimension`), with
/// which counts combine with quantities: Bytes / BytesPerSecond is Seconds.
template <class Tag, class Rep = std::int64_t>
class Count {
 public:
  using tag = Tag;
  using rep = Rep;
  using dimension = typename Tag::dimension;

  constexpr Count() = default;
  template <std::integral I>
  constexpr explicit Count(I value) : value_(static_cast<Rep>(value)) {}
  constexpr explicit Count(Int128 value) requires(!std::integral<Int128> && std::same_as<Rep, Int128>)
      : value_(value) {}

  [[nodiscard]] constexpr Rep value() const { return value_; }
  [[nodiscard]] constexpr double as_double() const { return static_cast<double>(value_); }

  constexpr Count& operator+=(Count other) {
    value_ = detail::checked_add(value_, other.value_, Tag::kName);
    return *this;
  }
  constexpr Count& operator-=(Count other) {
    value_ = detail::checked_subtract(value_, other.value_, Tag::kName);
    return *this;
  }
  constexpr Count& operator*=(Rep factor) {
    value_ = detail::checked_multiply(value_, factor, Tag::kName);
    return *this;
  }

  friend constexpr Count operator+(Count a, Count b) { return a += b; }
  friend constexpr Count operator-(Count a, Count b) { return a -= b; }
  friend constexpr Count operator*(Count a, Rep factor) { return a *= factor; }
  friend constexpr Count operator*(Rep factor, Count a) { return a *= factor; }
  friend constexpr auto operator<=>(Count, Count) = default;

 private:
  Rep value_{};
};

struct BytesTag {
  using dimension = Dimension<1, 0, 0, 0, 0, 0>;
  static constexpr const char* kName = "bytes";
};
struct FlopsTag {
  using dimension = Dimension<0, 1, 0, 0, 0, 0>;
  static constexpr const char* kName = "FLOPs";
};
struct TokensTag {
  using dimension = Dimension<0, 0, 0, 1, 0, 0>;
  static constexpr const char* kName = "tokens";
};
struct ParametersTag {
  using dimension = Dimension<0, 0, 0, 0, 0, 0>;
  static constexpr const char* kName = "parameters";
};

using Bytes = Count<BytesTag>;               ///< of one operation or one rank
using Flops = Count<FlopsTag>;               ///< of one operation or one rank; 1 multiply-add = 2 FLOPs
using Tokens = Count<TokensTag>;             ///< of training data
using Parameters = Count<ParametersTag>;     ///< weights of a model
using BytesTotal = Count<BytesTag, Int128>;  ///< over all ranks
using FlopsTotal = Count<FlopsTag, Int128>;  ///< over all ranks

/// The 128-bit total of a 64-bit count.
template <class Tag>
constexpr Count<Tag, Int128> as_total(Count<Tag, std::int64_t> count) {
  return Count<Tag, Int128>(static_cast<Int128>(count.value()));
}

/// Product of whole numbers; throws CountOverflow past 63 bits. For sizes: `checked_product(2, m, n, k)`.
template <std::integral... Factors>
constexpr std::int64_t checked_product(Factors... factors) {
  std::int64_t product = 1;
  ((product = detail::checked_multiply<std::int64_t>(product, static_cast<std::int64_t>(factors), "sizes")),
   ...);
  return product;
}

/// a / b rounded up to a whole number, for a >= 0 and b > 0.
template <std::integral I>
constexpr I ceil_divide(I a, I b) {
  return a / b + (a % b != 0 ? 1 : 0);
}

/// `a` rounded up to a multiple of `step`, for a >= 0 and step > 0.
template <std::integral I>
constexpr I round_up(I a, I step) {
  return ceil_divide(a, step) * step;
}

/// Decimal digits of a 128-bit number, which the standard streams cannot print.
std::string to_decimal(Int128 value);

}  // namespace foreshard
