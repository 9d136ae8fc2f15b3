#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// What a quantity written by a person measures.
enum class Measure : std::uint8_t {
  size,
  time,
  bandwidth,
  flop_rate,
  frequency,
  tokens,
  money,
  price,
  energy,
  power
};

/// One unit as it is written: a number of it times numerator / denominator is in base units. Two whole
/// numbers rather than one factor, so that `2.5 us` is exactly the double nearest to 2.5e-6.
struct Unit {
  Measure measure;
  std::string_view name;
  double numerator = 1.0;
  double denominator = 1.0;
};

/// What complaints say about a measure, and the range outside which a value is surely a slip.
struct MeasureInfo {
  std::string_view noun;     ///< "a bandwidth"
  std::string_view example;  ///< "900 GB/s"
  double least;              ///< least value above zero, in base units
  double most;               ///< in base units
  std::string_view range;    ///< the same two, as people write them
};

/// Every unit, those of one measure together, the largest first and the base unit among them.
std::span<const Unit> all_units();
const MeasureInfo& info_of(Measure measure);

/// The unit that somebody meant who wrote `text`, which is none: "GB/s" for "gb/s", "TFLOP/s" for "TFLOPS".
/// `wanted` decides where a text could be several; empty if nothing is near.
std::string_view intended_unit(std::string_view text, Measure wanted);

/// The measure of a type; types that nobody writes have none.
template <class Q>
consteval Measure measure_of() = delete;
template <>
consteval Measure measure_of<Bytes>() {
  return Measure::size;
}
template <>
consteval Measure measure_of<Seconds>() {
  return Measure::time;
}
template <>
consteval Measure measure_of<BytesPerSecond>() {
  return Measure::bandwidth;
}
template <>
consteval Measure measure_of<FlopsPerSecond>() {
  return Measure::flop_rate;
}
template <>
consteval Measure measure_of<Hertz>() {
  return Measure::frequency;
}
template <>
consteval Measure measure_of<Tokens>() {
  return Measure::tokens;
}
template <>
consteval Measure measure_of<Dollars>() {
  return Measure::money;
}
template <>
consteval Measure measure_of<DollarsPerSecond>() {
  return Measure::price;
}
template <>
consteval Measure measure_of<Joules>() {
  return Measure::energy;
}
template <>
consteval Measure measure_of<Watts>() {
  return Measure::power;
}

}  // namespace foreshard
