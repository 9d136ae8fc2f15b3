#include "planner/spec/hugging_face/hugging_face_json.hpp"

#include <cctype>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/core.h>

namespace foreshard {

namespace {

constexpr int kDeepestJson = 512;

/// Thrown where the text is not JSON.
struct NotJson : std::runtime_error {
  NotJson(Place where, const std::string& why) : std::runtime_error(why), place(std::move(where)) {}
  Place place;
};

/// A code point in UTF-8.
std::string utf8(std::uint32_t code) {
  std::string bytes;
  const auto push = [&](std::uint32_t byte) { bytes.push_back(static_cast<char>(byte)); };
  if (code < 0x80U) {
    push(code);
  } else if (code < 0x800U) {
    push(0xC0U | (code >> 6U));
    push(0x80U | (code & 0x3FU));
  } else if (code < 0x10000U) {
    push(0xE0U | (code >> 12U));
    push(0x80U | ((code >> 6U) & 0x3FU));
    push(0x80U | (code & 0x3FU));
  } else {
    push(0xF0U | (code >> 18U));
    push(0x80U | ((code >> 12U) & 0x3FU));
    push(0x80U | ((code >> 6U) & 0x3FU));
    push(0x80U | (code & 0x3FU));
  }
  return bytes;
}

/// Recursive descent over the grammar of RFC 8259.
class JsonParser {
 public:
  JsonParser(SourcePtr source, std::string_view text, Complaints& complaints)
      : source_(std::move(source)), text_(text), complaints_(&complaints) {}

  NodePtr parse() {
    skip_space();
    NodePtr root = value(0);
    skip_space();
    if (at_ < text_.size()) fail("something follows the end of the value");
    return root;
  }

 private:
  [[nodiscard]] Place here() const { return {source_, line_, static_cast<int>(at_ - line_start_) + 1}; }

  [[noreturn]] void fail(const std::string& why) const { throw NotJson(here(), "this is not JSON: " + why); }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return;
      if (c == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      }
    }
  }

  /// What stands here, for messages.
  [[nodiscard]] std::string found() const {
    if (at_ >= text_.size()) return "found the end of the text";
    return "found " + quote(text_.substr(at_, 1));
  }

  std::shared_ptr<YamlNode> start(YamlNode::Kind kind) const {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->place = here();
    return node;
  }

  NodePtr value(int depth) {
    if (depth > kDeepestJson) fail(fmt::format("it nests deeper than {} levels", kDeepestJson));
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': {
        auto node = start(YamlNode::Kind::scalar);
        node->text = string();
        node->in_quotes = true;
        return node;
      }
      default: return word();
    }
  }

  NodePtr object(int depth) {
    auto node = start(YamlNode::Kind::map);
    ++at_;
    std::set<std::string> seen;
    skip_space();
    if (peek() == '}') {
      ++at_;
      return node;
    }
    while (true) {
      skip_space();
      if (peek() != '"') fail("expected a key in double quotes, " + found());
      const Place key_place = here();
      std::string key = string();
      if (!seen.insert(key).second)
        complaints_->add(key_place, "", "the key " + quote(key) + " is given twice");
      skip_space();
      if (peek() != ':') fail("expected ':' after the key, " + found());
      ++at_;
      skip_space();
      NodePtr below = value(depth + 1);
      node->size += below->size;
      node->entries.push_back({std::move(key), key_place, std::move(below)});
      skip_space();
      if (peek() == '}') break;
      if (peek() != ',') fail("expected ',' or '}', " + found());
      ++at_;
    }
    ++at_;
    return node;
  }

  NodePtr array(int depth) {
    auto node = start(YamlNode::Kind::list);
    ++at_;
    skip_space();
    if (peek() == ']') {
      ++at_;
      return node;
    }
    while (true) {
      skip_space();
      node->items.push_back(value(depth + 1));
      node->size += node->items.back()->size;
      skip_space();
      if (peek() == ']') break;
      if (peek() != ',') fail("expected ',' or ']', " + found());
      ++at_;
    }
    ++at_;
    return node;
  }

  /// A number, true, false, null, NaN, Infinity or -Infinity.
  NodePtr word() {
    const std::size_t begin = at_;
    std::size_t end = at_;
    while (end < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[end]);
      if (std::isalnum(c) == 0 && c != '+' && c != '-' && c != '.') break;
      ++end;
    }
    const std::string_view word = text_.substr(begin, end - begin);
    if (word.empty()) fail("expected a value, " + found());
    const bool is_known = word == "true" || word == "false" || word == "null" || word == "NaN" ||
                          word == "Infinity" || word == "-Infinity" || is_number(word);
    if (!is_known) fail(fmt::format("{} is no value", quote(word)));
    auto node = start(word == "null" ? YamlNode::Kind::null : YamlNode::Kind::scalar);
    if (word != "null") node->text = std::string(word);
    at_ = end;
    return node;
  }

  /// True for -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
  static bool is_number(std::string_view word) {
    std::size_t i = 0;
    const auto digits = [&] {
      const std::size_t first = i;
      while (i < word.size() && std::isdigit(static_cast<unsigned char>(word[i])) != 0) ++i;
      return i - first;
    };
    if (i < word.size() && word[i] == '-') ++i;
    const std::size_t first = i;
    const std::size_t whole = digits();
    if (whole == 0 || (whole > 1 && word[first] == '0')) return false;
    if (i < word.size() && word[i] == '.') {
      ++i;
      if (digits() == 0) return false;
    }
    if (i < word.size() && (word[i] == 'e' || word[i] == 'E')) {
      ++i;
      if (i < word.size() && (word[i] == '+' || word[i] == '-')) ++i;
      if (digits() == 0) return false;
    }
    return i == word.size();
  }

  std::string string() {
    std::string result;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return result;
      }
      if (static_cast<unsigned char>(c) < 0x20U) fail("a control character in a string");
      if (c == '\\')
        result += escape();
      else
        result.push_back(c);
    }
    fail("a string has no closing '\"'");
  }

  /// The character of the escape at the backslash; stops at its last character.
  std::string escape() {
    ++at_;
    switch (peek()) {
      case '"': return "\"";
      case '\\': return "\\";
      case '/': return "/";
      case 'b': return "\b";
      case 'f': return "\f";
      case 'n': return "\n";
      case 'r': return "\r";
      case 't': return "\t";
      case 'u': break;
      default: fail("an unknown escape in a string");
    }
    std::uint32_t code = hex4();
    if (code >= 0xD800U && code < 0xDC00U && text_.substr(at_ + 1, 2) == "\\u") {
      at_ += 2;
      const std::uint32_t low = hex4();
      code =
          low >= 0xDC00U && low < 0xE000U ? 0x10000U + ((code - 0xD800U) << 10U) + (low - 0xDC00U) : 0xFFFDU;
    }
    const bool is_half = code >= 0xD800U && code < 0xE000U;  // one half of a pair is no character
    return utf8(is_half ? 0xFFFDU : code);
  }

  /// The four hexadecimal digits after the 'u'; stops at the last.
  std::uint32_t hex4() {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      ++at_;
      const auto c = static_cast<unsigned char>(peek());
      if (std::isxdigit(c) == 0) fail("an escape \\u needs four hexadecimal digits");
      const std::uint32_t digit = std::isdigit(c) != 0 ? c - '0' : (c | 0x20U) - 'a' + 10U;
      code = code * 16U + digit;
    }
    return code;
  }

  SourcePtr source_;
  std::string_view text_;
  Complaints* complaints_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::size_t line_start_ = 0;
};

}  // namespace

NodePtr parse_json(const SourcePtr& source, const std::string& text, Complaints& complaints) {
  const std::size_t before = complaints.size();
  try {
    NodePtr root = JsonParser(source, text, complaints).parse();
    return complaints.size() == before ? root : nullptr;
  } catch (const NotJson& error) {
    complaints.add(error.place, "", error.what());
    return nullptr;
  }
}

}  // namespace foreshard
