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

/// What a value in a YAML file may be. Each of these types reads a node into its `type` or says why not.
namespace foreshard {

template <class T>
using Outcome = std::variant<T, ParseComplaint>;

/// A whole number in decimal digits between two bounds, both allowed. A leading zero is refused: to YAML 1.1
/// `010` is eight.
struct WholeNumber {
  using type = std::int64_t;
  std::int64_t least = 1;
  std::int64_t most = kMany;

  /// More than anything that is counted here; products of two stay far below 2^63.
  static constexpr std::int64_t kMany = 1'000'000'000;

  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// A plain decimal number, 0.25 or 1e-3, between two bounds, both allowed.
struct RealNumber {
  using type = double;
  double least = 0.0;
  double most = kMuch;

  /// More than any such number that means something; products of several stay finite.
  static constexpr double kMuch = 1e12;

  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// A number from kLeast to 1: a rate divided by the smallest is still one that can be reasoned about.
struct Fraction {
  using type = double;
  static constexpr double kLeast = 1e-4;

  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// `true` or `false`, no other word of YAML 1.1.
struct Boolean {
  using type = bool;
  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// Any text but an empty one.
struct Text {
  using type = std::string;
  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// One word of several.
ParseComplaint complain_of_word(const YamlNode& node, const std::vector<std::string>& words);

/// A value of an enumeration by its word in kWords<E>; only those of `choices`, if there are any.
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

/// The least and the most that a quantity may be, and both in words.
template <Dimensional Q>
struct Range {
  Q least;
  Q most;
  std::string_view words;
};

/// What a quantity may be where its key says nothing narrower; none: all that parse_quantity reads. What a
/// step takes, and the simulator's clock of picoseconds, stay within their counts.
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

/// A quantity with its unit and within its range; zero only where said.
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
