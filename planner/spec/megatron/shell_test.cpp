#include "planner/spec/megatron/shell_test.hpp"

#include <cctype>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace foreshard::detail {

namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> compare_numbers(const std::string& a, const std::string& op, const std::string& b) {
  const auto left = whole_number(a);
  const auto right = whole_number(b);
  if (!left || !right) return false;
  if (op == "-eq") return *left == *right;
  if (op == "-ne") return *left != *right;
  if (op == "-lt") return *left < *right;
  if (op == "-le") return *left <= *right;
  if (op == "-gt") return *left > *right;
  return *left >= *right;
}

/// One test without && and ||.
std::optional<bool> single_test(std::vector<std::string> words) {
  bool negated = false;
  while (!words.empty() && words.front() == "!") {
    negated = !negated;
    words.erase(words.begin());
  }
  std::optional<bool> holds;
  if (words.empty()) {
    holds = false;
  } else if (words.size() == 1) {
    holds = words[0] == "-z" || (!words[0].empty() && words[0] != "-n");
  } else if (words.size() == 2 && (words[0] == "-z" || words[0] == "-n")) {
    holds = words[1].empty() == (words[0] == "-z");
  } else if (words.size() == 3 && (words[1] == "==" || words[1] == "=")) {
    holds = shell_matches(words[2], words[0]);
  } else if (words.size() == 3 && words[1] == "!=") {
    holds = !shell_matches(words[2], words[0]);
  } else if (words.size() == 3 && words[1].size() == 3 && words[1][0] == '-') {
    holds = compare_numbers(words[0], words[1], words[2]);
  }
  if (!holds) return std::nullopt;
  return negated ? !*holds : *holds;
}

/// A recursive-descent calculator.
class Calculator {
 public:
  explicit Calculator(std::string_view text) : text_(text) {}

  std::optional<std::int64_t> value() {
    const auto result = sum();
    skip();
    return at_ == text_.size() ? result : std::nullopt;
  }

 private:
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  [[nodiscard]] char peek() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  std::optional<std::int64_t> sum() {
    auto left = product();
    while (left && (peek() == '+' || peek() == '-')) {
      const char op = text_[at_++];
      const auto right = product();
      if (!right) return std::nullopt;
      left = op == '+' ? *left + *right : *left - *right;
    }
    return left;
  }

  std::optional<std::int64_t> product() {
    auto left = factor();
    while (left && (peek() == '*' || peek() == '/' || peek() == '%')) {
      const char op = text_[at_++];
      const auto right = factor();
      if (!right || (op != '*' && *right == 0)) return std::nullopt;
      left = op == '*' ? *left * *right : op == '/' ? *left / *right : *left % *right;
    }
    return left;
  }

  std::optional<std::int64_t> factor() {
    if (peek() == '-') {
      ++at_;
      const auto negative = factor();
      return negative ? std::optional(-*negative) : std::nullopt;
    }
    if (peek() == '(') {
      ++at_;
      const auto inside = sum();
      if (peek() != ')') return std::nullopt;
      ++at_;
      return inside;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    if (at_ - begin > 12) return std::nullopt;  // products of two such numbers stay in range
    return whole_number(text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<bool> shell_test(const std::vector<std::string>& words) {
  std::vector<std::string> part;
  std::optional<bool> so_far;
  std::string joint;
  for (std::size_t i = 0; i <= words.size(); ++i) {
    const bool is_joint =
        i == words.size() || words[i] == "&&" || words[i] == "||" || words[i] == "-a" || words[i] == "-o";
    if (!is_joint) {
      part.push_back(words[i]);
      continue;
    }
    const std::optional<bool> holds = single_test(part);
    const bool is_and = joint == "&&" || joint == "-a";
    if (joint.empty()) {
      so_far = holds;
    } else if (is_and) {
      so_far = so_far == false || holds == false ? std::optional(false)
               : so_far && holds                 ? std::optional(true)
                                                 : std::nullopt;
    } else {
      so_far = so_far == true || holds == true ? std::optional(true)
               : so_far && holds               ? std::optional(false)
                                               : std::nullopt;
    }
    if (i < words.size()) joint = words[i];
    part.clear();
  }
  return so_far;
}

std::optional<std::int64_t> shell_arithmetic(const std::string& expression) {
  return Calculator(expression).value();
}

bool shell_matches(const std::string& pattern, const std::string& text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace foreshard::detail
