#include "planner/spec/job/stage_layout_text.hpp"

#include <cstddef>
#include <string>
#include <utility>

#include <fmt/core.h>

namespace foreshard {

namespace {

constexpr std::size_t kMostSymbols = 1'000'000;
constexpr int kDeepest = 20;
constexpr std::string_view kExample =
    "as in Et*3|(tt|)*29,m|L: E embedding, t layer, m multi-token prediction, L loss";

ParseComplaint complaint(std::string message) { return {std::move(message), std::string(kExample)}; }

/// Writes a layout out: all repetitions unrolled, without commas.
class Unroller {
 public:
  explicit Unroller(std::string_view text) : text_(text) {}

  std::variant<std::string, ParseComplaint> run() {
    std::string symbols = sequence(0);
    if (!problem_ && at_ < text_.size()) problem_ = "a ')' without '('";
    if (problem_) return complaint(*problem_);
    return symbols;
  }

 private:
  std::string sequence(int depth) {
    std::string symbols;
    if (depth > kDeepest) problem_ = "its parentheses are nested too deeply";
    while (!problem_ && at_ < text_.size() && text_[at_] != ')') {
      const char c = text_[at_++];
      if (c == ',' || c == ' ') continue;
      std::string item(1, c);
      if (c == '(') {
        item = sequence(depth + 1);
        if (at_ == text_.size()) problem_ = "a '(' without ')'";
        ++at_;
      } else if (std::string_view("EtmL|").find(c) == std::string_view::npos) {
        problem_ = fmt::format("'{}' is no part of a layout", c);
      }
      repeat(symbols, item);
    }
    return symbols;
  }

  /// Appends the item as often as a factor behind it says.
  void repeat(std::string& symbols, const std::string& item) {
    std::size_t times = 1;
    if (!problem_ && at_ < text_.size() && text_[at_] == '*') {
      const std::size_t digits = ++at_;
      times = 0;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && times <= kMostSymbols)
        times = 10 * times + static_cast<std::size_t>(text_[at_++] - '0');
      if (at_ == digits) problem_ = "a '*' without a number behind it";
    }
    if (!problem_ && symbols.size() + times * item.size() > kMostSymbols) problem_ = "it has too many layers";
    for (std::size_t i = 0; !problem_ && i < times; ++i) symbols += item;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::string> problem_;
};

/// What is wrong with the order of an unrolled layout's symbols, if anything.
std::optional<std::string> problem_of_order(const std::string& symbols) {
  const std::size_t embedding = symbols.find('E');
  const std::size_t loss = symbols.find('L');
  if (embedding != 0 || symbols.rfind('E') != 0) return "a layout begins with its only E";
  if (loss == std::string::npos || symbols.find_first_not_of(",|", loss + 1) != std::string::npos ||
      symbols.find('|', loss) != std::string::npos)
    return "a layout ends with its only L";
  const std::size_t module = symbols.find('m');
  if (module == std::string::npos) return std::nullopt;
  if (symbols.find('t', module) != std::string::npos) return "m comes after all layers";
  if (symbols.find('|', module) < symbols.rfind('m')) return "all m belong to one stage";
  return std::nullopt;
}

}  // namespace

std::variant<StageLayoutText, ParseComplaint> parse_stage_layout(std::string_view text) {
  const auto unrolled = Unroller(text).run();
  if (const auto* problem = std::get_if<ParseComplaint>(&unrolled)) return *problem;
  const std::string& symbols = std::get<std::string>(unrolled);
  if (const auto problem = problem_of_order(symbols)) return complaint(*problem);
  StageLayoutText layout{.layers = {0}};
  for (const char c : symbols) {
    if (c == '|') layout.layers.push_back(0);
    if (c == 't') ++layout.layers.back();
    if (c != 'm') continue;
    if (!layout.mtp) layout.mtp = MtpPlace{.piece = static_cast<std::int64_t>(layout.layers.size()) - 1};
    ++layout.mtp->modules;
  }
  return layout;
}

}  // namespace foreshard
