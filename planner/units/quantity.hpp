#pragma once

#include <compare>
#include <concepts>
#include <type_traits>

#include "planner/units/count.hpp"
#include "planner/units/dimension.hpp"

namespace foreshard {

/// A real number with a dimension, in base units (byte, FLOP, second, token, dollar, joule). Products and
/// ratios have the resulting dimension: Flops / FlopsPerSecond is Seconds, Bytes + Seconds does not compile.
/// A product or ratio in which every unit cancels is a plain double.
template <class Dim>
class Quantity {
 public:
  using dimension = Dim;

  constexpr Quantity() = default;
  constexpr explicit Quantity(double value) : value_(value) {}

  /// The number of base units: seconds, bytes per second, …
  [[nodiscard]] constexpr double value() const { return value_; }

  constexpr Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    value_ -= other.value_;
    return *this;
  }
  constexpr Quantity& operator*=(double factor) {
    value_ *= factor;
    return *this;
  }
  constexpr Quantity& operator/=(double divisor) {
    value_ /= divisor;
    return *this;
  }

  friend constexpr Quantity operator+(Quantity a, Quantity b) { return a += b; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return a -= b; }
  friend constexpr Quantity operator-(Quantity a) { return Quantity(-a.value_); }
  friend constexpr Quantity operator*(Quantity a, double factor) { return a *= factor; }
  friend constexpr Quantity operator*(double factor, Quantity a) { return a *= factor; }
  friend constexpr Quantity operator/(Quantity a, double divisor) { return a /= divisor; }
  friend constexpr auto operator<=>(Quantity, Quantity) = default;

 private:
  double value_ = 0.0;
};

namespace detail {
template <class T>
inline constexpr bool is_quantity = false;
template <class D>
inline constexpr bool is_quantity<Quantity<D>> = true;
template <class T>
inline constexpr bool is_count = false;
template <class Tag, class Rep>
inline constexpr bool is_count<Count<Tag, Rep>> = true;

/// A quantity, or a plain double if all units cancel.
template <class Dim>
constexpr auto make_quantity(double value) {
  if constexpr (std::same_as<Dim, Dimensionless>) {
    return value;
  } else {
    return Quantity<Dim>(value);
  }
}
template <class T>
constexpr double base_value(T x) {
  if constexpr (is_count<T>) {
    return x.as_double();
  } else {
    return x.value();
  }
}
}  // namespace detail

/// Anything with a dimension: a real Quantity or a whole Count.
template <class T>
concept Dimensional = detail::is_quantity<T> || detail::is_count<T>;

template <Dimensional A, Dimensional B>
constexpr auto operator*(A a, B b) {
  return detail::make_quantity<DimensionProduct<typename A::dimension, typename B::dimension>>(
      detail::base_value(a) * detail::base_value(b));
}
template <Dimensional A, Dimensional B>
constexpr auto operator/(A a, B b) {
  return detail::make_quantity<DimensionRatio<typename A::dimension, typename B::dimension>>(
      detail::base_value(a) / detail::base_value(b));
}

using Seconds = Quantity<Dimension<0, 0, 1, 0, 0, 0>>;
using BytesPerSecond = Quantity<Dimension<1, 0, -1, 0, 0, 0>>;
using FlopsPerSecond = Quantity<Dimension<0, 1, -1, 0, 0, 0>>;
using TokensPerSecond = Quantity<Dimension<0, 0, -1, 1, 0, 0>>;
using Hertz = Quantity<Dimension<0, 0, -1, 0, 0, 0>>;
using Dollars = Quantity<Dimension<0, 0, 0, 0, 1, 0>>;
using DollarsPerSecond = Quantity<Dimension<0, 0, -1, 0, 1, 0>>;
using Joules = Quantity<Dimension<0, 0, 0, 0, 0, 1>>;
using Watts = Quantity<Dimension<0, 0, -1, 0, 0, 1>>;

inline constexpr double kKibi = 1024.0;
inline constexpr double kMebi = 1024.0 * kKibi;
inline constexpr double kGibi = 1024.0 * kMebi;
inline constexpr Seconds kMicrosecond{1e-6};
inline constexpr Seconds kHour{3600.0};
inline constexpr Seconds kDay{86400.0};
inline constexpr Joules kKilowattHour{3.6e6};

}  // namespace foreshard
