#include "planner/spec/yaml/values.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/yaml/complaints.hpp"
#include "planner/units/read_number.hpp"

namespace foreshard {

namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The range in words: both_bounds has both bounds. allowed_range omits the upper bound if it is the usual
// kMany or kMuch; complaints about values above it use both_bounds.

std::string both_bounds(const WholeNumber& range) {
  return fmt::format("a whole number from {} to {}", range.least, range.most);
}
std::string allowed_range(const WholeNumber& range) {
  return range.most == WholeNumber::kMany ? fmt::format("a whole number, {} or more", range.least)
                                          : both_bounds(range);
}

std::string both_bounds(const RealNumber& range) {
  return fmt::format("a number from {} to {}", range.least, range.most);
}
std::string allowed_range(const RealNumber& range) {
  return range.most == RealNumber::kMuch ? fmt::format("a number, {} or more", range.least)
                                         : both_bounds(range);
}

/// The plain digits of a number that is only spelt differently: 8,192 or 8_192 or +8192 or "8192".
std::string undressed(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ',' && c != '_' && c != '+' && c != ' ') digits.push_back(c);
  }
  return all_digits(digits) && digits.front() != '0' ? digits : std::string{};
}

/// The value of a text that is a finite decimal number and nothing else; none for other texts.
std::optional<double> plain_number(std::string_view text) {
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::nullopt;
  double number = 0.0;
  const auto [stop, error] = read_number(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || stop != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

constexpr std::string_view kFraction = "a fraction from 0.0001 to 1, as in 0.8";

}  // namespace

ParseComplaint complain_of_kind(const YamlNode& node, const std::string& wanted) {
  return {fmt::format("expected {}, found {}", wanted, kind_of(node)), {}};
}

ParseComplaint complain_of_zero(const YamlNode& node) {
  return {fmt::format("{} must be more than zero", quote(node.text)), {}};
}

ParseComplaint complain_of_range(const YamlNode& node, bool too_small, std::string_view words) {
  return {fmt::format("{} is too {}", quote(node.text), too_small ? "small" : "large"),
          fmt::format("allowed here: {}", words)};
}

ParseComplaint complain_of_word(const YamlNode& node, const std::vector<std::string>& words) {
  std::string allowed = fmt::format("allowed here: {}", fmt::join(words, ", "));
  if (node.kind != YamlNode::Kind::scalar) {
    return {complain_of_kind(node, "a word").message, std::move(allowed)};
  }
  return {fmt::format("unknown value {}{}", quote(node.text), did_you_mean(node.text, words)),
          std::move(allowed)};
}

Outcome<std::int64_t> WholeNumber::read(const YamlNode& node) const {
  const auto refuse = [&](std::string allowed) {
    return ParseComplaint{complain_of_kind(node, "a whole number").message, std::move(allowed)};
  };
  if (node.kind != YamlNode::Kind::scalar) return refuse(allowed_range(*this));
  const std::string_view digits = std::string_view(node.text).substr(node.text.starts_with('-') ? 1 : 0);
  if (node.in_quotes || !all_digits(digits)) {
    const std::string plain = undressed(node.text);
    return refuse(plain.empty() ? allowed_range(*this) : "write " + plain);
  }
  if (digits.size() > 1 && digits.front() == '0') {
    const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    return ParseComplaint{fmt::format("{} has a leading zero, which can mean octal", quote(node.text)),
                          fmt::format("write {}", digits.substr(first))};
  }
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), number);
  const bool negative = node.text.starts_with('-');
  if (error == std::errc{} && number >= least && number <= most) return number;
  const bool small = error == std::errc{} ? number < least : negative;
  return ParseComplaint{fmt::format("{} is too {}", quote(node.text), small ? "small" : "large"),
                        small ? allowed_range(*this) : both_bounds(*this)};
}

Outcome<double> RealNumber::read(const YamlNode& node) const {
  const std::optional<double> number =
      node.kind == YamlNode::Kind::scalar && !node.in_quotes ? plain_number(node.text) : std::nullopt;
  if (!number) return ParseComplaint{complain_of_kind(node, "a number").message, allowed_range(*this)};
  if (*number >= least && *number <= most) return *number;
  const bool small = *number < least;
  return ParseComplaint{fmt::format("{} is too {}", quote(node.text), small ? "small" : "large"),
                        small ? allowed_range(*this) : both_bounds(*this)};
}

Outcome<double> Fraction::read(const YamlNode& node) const {
  const std::optional<double> number =
      node.kind == YamlNode::Kind::scalar && !node.in_quotes ? plain_number(node.text) : std::nullopt;
  if (!number) return ParseComplaint{complain_of_kind(node, "a number").message, std::string(kFraction)};
  if (*number >= kLeast && *number <= 1.0) return *number;
  return ParseComplaint{fmt::format("{} is too {}", quote(node.text), *number < kLeast ? "small" : "large"),
                        std::string(kFraction)};
}

Outcome<bool> Boolean::read(const YamlNode& node) const {
  if (node.kind == YamlNode::Kind::scalar && node.text == "true") return true;
  if (node.kind == YamlNode::Kind::scalar && node.text == "false") return false;
  constexpr std::array<std::string_view, 6> kYes{"yes", "Yes", "on", "On", "True", "TRUE"};
  constexpr std::array<std::string_view, 6> kNo{"no", "No", "off", "Off", "False", "FALSE"};
  std::string allowed = "allowed here: true, false";
  if (std::find(kYes.begin(), kYes.end(), node.text) != kYes.end()) allowed = "write true";
  if (std::find(kNo.begin(), kNo.end(), node.text) != kNo.end()) allowed = "write false";
  return ParseComplaint{complain_of_kind(node, "true or false").message, std::move(allowed)};
}

Outcome<std::string> Text::read(const YamlNode& node) const {
  if (node.kind == YamlNode::Kind::scalar && !node.text.empty()) return node.text;
  return complain_of_kind(node, "a text");
}

}  // namespace foreshard
