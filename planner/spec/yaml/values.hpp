#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "planner/spec/yaml/names.hpp"
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
  double most = std::numeric_limits<double>::max();

  [[nodiscard]] Outcome<type> read(const YamlNode& node) const;
};

/// A number above 0 and at most 1.
struct Fraction {
  using type = double;
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

/// A quantity with its unit; zero only where said.
template <Dimensional Q>
struct Measured {
  using type = Q;
  bool zero_allowed = false;

  [[nodiscard]] Outcome<Q> read(const YamlNode& node) const {
    if (node.kind != YamlNode::Kind::scalar) return complain_of_kind(node, "a number with its unit");
    Outcome<Q> outcome = parse_quantity<Q>(node.text);
    const Q* quantity = std::get_if<Q>(&outcome);
    if (!zero_allowed && quantity != nullptr && *quantity == Q{}) return complain_of_zero(node);
    return outcome;
  }
};

}  // namespace foreshard
