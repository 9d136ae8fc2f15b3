#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/yaml_document.hpp"
#include "planner/units/parse_quantity.hpp"

/// The kinds of values in a YAML file. Each of these types reads a node into its `type`, or returns a
/// complaint.
namespace foreshard {

template <class T>
using Outcome = std::variant<T, ParseComplaint>;

/// A whole number in decimal digits, from `least` to `most`. A leading zero is refused, because `010` is
/// eight in YAML 1.1.
struct WholeNumber {
  using type = std::int64_t;
  std::int64_t least = 1;
  std::int64_t most = kMany;

  /// Larger than any count in a spec; products of two such numbers stay far below 2^63.
  static constexpr std::int64_t kMany = 1'000'000'000;

  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// A plain decimal number, 0.25 or 1e-3, from `least` to `most`.
struct RealNumber {
  using type = double;
  double least = 0.0;
  double most = kMuch;

  /// Larger than any meaningful number of this kind; products of several stay finite.
  static constexpr double kMuch = 1e12;

  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// A number from kLeast to 1. The smallest is not 0, so that a value divided by a fraction stays in a usable
/// range.
struct Fraction {
  using type = double;
  static constexpr double kLeast = 1e-4;

  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// `true` or `false`. Other boolean words of YAML 1.1 (yes, on) are refused.
struct Boolean {
  using type = bool;
  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// Any text that is not empty.
struct Text {
  using type = std::string;
  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// The complaint about a value that is none of these words.
ParseComplaint complain_of_word(const YamlNode& node, const std::vector<std::string>& words);

/// A value of an enumeration, written as its word in kWords<E>. If `choices` is not empty, only these values
/// are allowed.
template <class E>
struct Choice {
  using type = E;
  std::vector<E> choices;

  [[nodiscard]] Outcome<E> read(const YamlNode& node) const {
    std::vector<std::string> words;
    for (const Named<E>& named : kWords<E>) {
      if (!choices.empty() && std::find(choices.begin(), choices.end(), named.value) == choices.end())
        continue;
      if (node.kind == YamlNode::Kind::scalar && node.text == named.word) return named.value;
      words.emplace_back(named.word);
    }
    return complain_of_word(node, words);
  }
};

ParseComplaint complain_of_kind(const YamlNode& node, const std::string& wanted);
ParseComplaint complain_of_zero(const YamlNode& node);
/// @param words the range, as in "0 s to 10 s"
ParseComplaint complain_of_range(const YamlNode& node, bool too_small, std::string_view words);

/// The smallest and the largest allowed value of a quantity, and the range in words.
template <Dimensional Q>
struct Range {
  Q least;
  Q most;
  std::string_view words;
};

/// The range of a quantity whose key has no narrower range; none: everything that parse_quantity accepts.
/// These ranges ensure that step times and the simulator's clock in picoseconds do not overflow.
template <Dimensional Q>
inline constexpr std::optional<Range<Q>> kUsualRange = std::nullopt;
template <>
inline constexpr std::optional<Range<Seconds>> kUsualRange<Seconds> =
    Range<Seconds>{Seconds(0.0), Seconds(100 * 86400.0), "0 s to 100 d"};
template <>
inline constexpr std::optional<Range<BytesPerSecond>> kUsualRange<BytesPerSecond> =
    Range<BytesPerSecond>{BytesPerSecond(1e3), BytesPerSecond(1e15), "1 kB/s to 1000 TB/s"};
template <>
inline constexpr std::optional<Range<FlopsPerSecond>> kUsualRange<FlopsPerSecond> =
    Range<FlopsPerSecond>{FlopsPerSecond(1e6), FlopsPerSecond(1e21), "1 MFLOP/s to 1000 EFLOP/s"};

/// A quantity with its unit, within its range. Zero is refused unless `zero_allowed`.
template <Dimensional Q>
struct Measured {
  using type = Q;
  bool zero_allowed = false;
  std::optional<Range<Q>> range = kUsualRange<Q>;

  [[nodiscard]] Outcome<Q> read(const YamlNode& node) const {
    if (node.kind != YamlNode::Kind::scalar) return complain_of_kind(node, "a number with its unit");
    Outcome<Q> outcome = parse_quantity<Q>(node.text);
    const Q* quantity = std::get_if<Q>(&outcome);
    if (quantity == nullptr) return outcome;
    if (*quantity == Q{}) return zero_allowed ? outcome : complain_of_zero(node);
    if (range && *quantity < range->least) return complain_of_range(node, true, range->words);
    if (range && *quantity > range->most) return complain_of_range(node, false, range->words);
    return outcome;
  }
};

/// A latency, or the fixed time of a kernel or a collective.
inline constexpr Measured<Seconds> kDelay{
    .zero_allowed = true, .range = Range<Seconds>{Seconds(0.0), Seconds(10.0), "0 s to 10 s"}};

}  // namespace foreshard
