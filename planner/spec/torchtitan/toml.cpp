#include "planner/spec/torchtitan/toml.hpp"

#include <cctype>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace foreshard::detail {

namespace {

/// Thrown where the text is not TOML.
struct NotToml : std::runtime_error {
  NotToml(Place where, const std::string& why) : std::runtime_error(why), place(std::move(where)) {}
  Place place;
};

struct TomlKey {
  std::string text;
  Place place;
};

using TomlTable = std::shared_ptr<YamlNode>;

class TomlParser {
 public:
  TomlParser(SourcePtr source, std::string_view text, Complaints& complaints)
      : source_(std::move(source)), text_(text), complaints_(&complaints) {}

  NodePtr parse() {
    root_ = start(YamlNode::Kind::map);
    TomlTable table = root_;
    while (true) {
      skip_blank_lines();
      if (done()) return root_;
      if (peek() == '[') {
        table = header();
      } else {
        entry(table);
      }
      skip_spaces();
      if (!done() && peek() != '\n') fail("something follows the end of the value");
    }
  }

 private:
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] Place here() const { return {source_, line_, static_cast<int>(at_ - line_start_) + 1}; }
  [[noreturn]] void fail(const std::string& why) const { throw NotToml(here(), "this is not TOML: " + why); }

  char advance() {
    const char c = text_[at_++];
    if (c == '\n') {
      ++line_;
      line_start_ = at_;
    }
    return c;
  }

  TomlTable start(YamlNode::Kind kind) const {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->place = here();
    return node;
  }

  /// Skips blanks and comments within a line.
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r') advance();
    if (peek() != '#') return;
    while (!done() && peek() != '\n') advance();
  }
  void skip_blank_lines() {
    skip_spaces();
    while (peek() == '\n') {
      advance();
      skip_spaces();
    }
  }

  std::vector<TomlKey> keys() {
    std::vector<TomlKey> path;
    while (true) {
      skip_spaces();
      TomlKey key{.text = {}, .place = here()};
      if (peek() == '"' || peek() == '\'') {
        key.text = string();
      } else {
        while (std::isalnum(static_cast<unsigned char>(peek())) != 0 || peek() == '_' || peek() == '-')
          key.text.push_back(advance());
      }
      if (key.text.empty()) fail("expected a key");
      path.push_back(std::move(key));
      skip_spaces();
      if (peek() != '.') return path;
      advance();
    }
  }

  /// The table below a key, which is made if it is not there.
  TomlTable below(const TomlTable& table, const TomlKey& key) {
    if (const MapEntry* const known = table->find(key.text)) {
      if (known->value->kind == YamlNode::Kind::list && !known->value->items.empty())
        return std::const_pointer_cast<YamlNode>(known->value->items.back());
      if (known->value->kind != YamlNode::Kind::map)
        throw NotToml(key.place, quote(key.text) + " is no table");
      return std::const_pointer_cast<YamlNode>(known->value);
    }
    auto map = std::make_shared<YamlNode>();
    map->kind = YamlNode::Kind::map;
    map->place = key.place;
    table->entries.push_back({key.text, key.place, map});
    return map;
  }

  /// [a.b] or [[a.b]]: the table that the next lines fill.
  TomlTable header() {
    advance();
    const bool is_array = peek() == '[';
    if (is_array) advance();
    const std::vector<TomlKey> path = keys();
    for (int i = 0; i < (is_array ? 2 : 1); ++i) {
      if (peek() != ']') fail("expected ']'");
      advance();
    }
    TomlTable table = root_;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) table = below(table, path[i]);
    if (!is_array) return below(table, path.back());
    auto item = std::make_shared<YamlNode>();
    item->kind = YamlNode::Kind::map;
    item->place = path.back().place;
    const MapEntry* const known = table->find(path.back().text);
    if (known != nullptr) {
      std::const_pointer_cast<YamlNode>(known->value)->items.push_back(item);
      return item;
    }
    auto list = std::make_shared<YamlNode>();
    list->kind = YamlNode::Kind::list;
    list->place = path.back().place;
    list->items.push_back(item);
    table->entries.push_back({path.back().text, path.back().place, list});
    return item;
  }

  void entry(TomlTable table) {
    const std::vector<TomlKey> path = keys();
    if (peek() != '=') fail("expected '=' after the key");
    advance();
    skip_spaces();
    for (std::size_t i = 0; i + 1 < path.size(); ++i) table = below(table, path[i]);
    if (table->find(path.back().text) != nullptr)
      complaints_->add(path.back().place, "", "the key " + quote(path.back().text) + " is given twice");
    table->entries.push_back({path.back().text, path.back().place, value()});
  }

  NodePtr value() {
    if (peek() == '"' || peek() == '\'') {
      TomlTable node = start(YamlNode::Kind::scalar);
      node->text = string();
      node->in_quotes = true;
      return node;
    }
    if (peek() == '[') return array();
    if (peek() == '{') return inline_table();
    TomlTable node = start(YamlNode::Kind::scalar);
    while (!done() && std::string_view(",]}#\n\r").find(peek()) == std::string_view::npos)
      node->text.push_back(advance());
    while (!node->text.empty() && (node->text.back() == ' ' || node->text.back() == '\t'))
      node->text.pop_back();
    if (node->text.empty()) fail("expected a value");
    const bool is_number = std::isdigit(static_cast<unsigned char>(node->text[0])) != 0 ||
                           node->text[0] == '-' || node->text[0] == '+';
    if (is_number)
      std::erase(node->text, '_');  // 1_000
    else if (node->text != "true" && node->text != "false" && node->text != "inf" && node->text != "nan")
      throw NotToml(node->place, "this is not TOML: " + quote(node->text) + " is no value");
    return node;
  }

  NodePtr array() {
    TomlTable node = start(YamlNode::Kind::list);
    advance();
    while (true) {
      skip_blank_lines();
      if (done()) fail("an array has no closing ']'");
      if (peek() == ']') break;
      node->items.push_back(value());
      skip_blank_lines();
      if (peek() == ',')
        advance();
      else if (peek() != ']')
        fail("expected ',' or ']'");
    }
    advance();
    return node;
  }

  NodePtr inline_table() {
    TomlTable node = start(YamlNode::Kind::map);
    advance();
    while (true) {
      skip_blank_lines();
      if (done()) fail("a table has no closing '}'");
      if (peek() == '}') break;
      entry(node);
      skip_blank_lines();
      if (peek() == ',')
        advance();
      else if (peek() != '}')
        fail("expected ',' or '}'");
    }
    advance();
    return node;
  }

  std::string string() {
    const char quotes = peek();
    const bool is_long = peek(1) == quotes && peek(2) == quotes;
    for (int i = 0; i < (is_long ? 3 : 1); ++i) advance();
    std::string text;
    while (true) {
      if (done() || (!is_long && peek() == '\n')) fail("a string has no closing quote");
      if (peek() == quotes && (!is_long || (peek(1) == quotes && peek(2) == quotes))) break;
      if (peek() == '\\' && quotes == '"') {
        advance();
        const char escaped = advance();
        text.push_back(escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped);
      } else {
        text.push_back(advance());
      }
    }
    for (int i = 0; i < (is_long ? 3 : 1); ++i) advance();
    return text;
  }

  SourcePtr source_;
  std::string_view text_;
  Complaints* complaints_;
  TomlTable root_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::size_t line_start_ = 0;
};

}  // namespace

NodePtr parse_toml(const SourcePtr& source, const std::string& text, Complaints& complaints) {
  const std::size_t before = complaints.size();
  try {
    NodePtr root = TomlParser(source, text, complaints).parse();
    return complaints.size() == before ? root : nullptr;
  } catch (const NotToml& error) {
    complaints.add(error.place, "", error.what());
    return nullptr;
  }
}

}  // namespace foreshard::detail
