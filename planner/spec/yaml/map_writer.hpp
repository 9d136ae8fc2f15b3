#pragma once

#include <string>
#include <string_view>

namespace foreshard {

/// Writes YAML in block style, key by key in the order of the calls. Equal calls give equal text.
class MapWriter {
 public:
  /// Writes a comment on lines of its own; each line of the text becomes one line of the comment.
  void comment(std::string_view text);
  /// Writes a number, a word or a quantity, without quotes.
  void plain(std::string_view key, std::string_view value);
  void plain(std::string_view key, double value);  ///< in the fewest digits that give the same number back
  /// Writes any text, in quotes.
  void text(std::string_view key, std::string_view value);
  /// Writes an item of the list that the last begin() named.
  void item(std::string_view value);
  /// Starts a map or a list: the entries up to end() belong to this key.
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
