#pragma once

#include <string>
#include <string_view>

namespace foreshard {

/// Writes YAML in block style, key by key in the order of the calls; the same calls give the same text.
class MapWriter {
 public:
  /// A comment on lines of its own; a line end begins the next line of the comment.
  void comment(std::string_view text);
  /// A number, a word or a quantity, which stands as it is.
  void plain(std::string_view key, std::string_view value);
  void plain(std::string_view key, double value);  ///< in the fewest digits that give the same number back
  /// Any text, in quotes.
  void text(std::string_view key, std::string_view value);
  /// An item of a list; the list is what begin() named.
  void item(std::string_view value);
  /// The entries up to end() belong to this key.
  void begin(std::string_view key);
  void end();

  /// A text as a double-quoted YAML scalar, for use inside an item.
  static std::string quoted(std::string_view text);

  [[nodiscard]] const std::string& str() const { return text_; }

 private:
  void start_line();

  std::string text_;
  int depth_ = 0;
};

}  // namespace foreshard
