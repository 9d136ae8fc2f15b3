#include <cctype>
#include <charconv>

#include "planner/spec/megatron/megatron_parts.hpp"

namespace foreshard::detail {

namespace {

using Numbers = std::vector<std::int64_t>;
constexpr std::size_t kLongest = 100'000;

/// sum = product {"+" product};  product = item {"*" number};  item = "[" numbers "]" | "(" sum ")"
class ListParser {
 public:
  explicit ListParser(const std::string& text) : text_(text) {}

  std::optional<Numbers> parse() {
    std::optional<Numbers> list = sum();
    return list && peek() == '\0' ? list : std::nullopt;
  }

 private:
  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  std::optional<std::int64_t> number() {
    peek();
    std::int64_t value = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc{}) return std::nullopt;
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }

  std::optional<Numbers> sum() {
    std::optional<Numbers> list = product();
    while (list && peek() == '+') {
      ++at_;
      const std::optional<Numbers> next = product();
      if (!next) return std::nullopt;
      list->insert(list->end(), next->begin(), next->end());
    }
    return list;
  }

  std::optional<Numbers> product() {
    std::optional<Numbers> list = item();
    while (list && peek() == '*') {
      ++at_;
      const std::optional<std::int64_t> times = number();
      if (!times || *times < 0 || static_cast<std::size_t>(*times) * list->size() > kLongest)
        return std::nullopt;
      const Numbers once = *list;
      list->clear();
      for (std::int64_t i = 0; i < *times; ++i) list->insert(list->end(), once.begin(), once.end());
    }
    return list;
  }

  std::optional<Numbers> item() {
    const char open = peek();
    if (open != '[' && open != '(') return std::nullopt;
    ++at_;
    if (open == '(') {
      std::optional<Numbers> inside = sum();
      if (peek() != ')') return std::nullopt;
      ++at_;
      return inside;
    }
    Numbers list;
    while (peek() != ']') {
      const std::optional<std::int64_t> value = number();
      if (!value) return std::nullopt;
      list.push_back(*value);
      if (peek() == ',')
        ++at_;
      else if (peek() != ']')
        return std::nullopt;
    }
    ++at_;
    return list;
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::vector<std::int64_t>> python_list(const std::string& text) {
  return ListParser(text).parse();
}

}  // namespace foreshard::detail
