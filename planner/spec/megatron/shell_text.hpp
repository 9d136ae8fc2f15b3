#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace foreshard::detail {

/// A line and a column of a script, both from 1.
struct Spot {
  int line = 1;
  int column = 1;
};

/// A text that remembers where in the script each of its characters stands, so that a value that variables
/// carried through the script can be complained of where it was written.
class ShellText {
 public:
  ShellText() = default;
  ShellText(std::string_view chars, Spot spot) {
    for (const char c : chars) push(c, spot);
  }

  void push(char c, Spot spot) {
    chars_.push_back(c);
    spots_.push_back(spot);
  }
  void append(const ShellText& other) {
    chars_ += other.chars_;
    spots_.insert(spots_.end(), other.spots_.begin(), other.spots_.end());
  }
  [[nodiscard]] const std::string& chars() const { return chars_; }
  [[nodiscard]] bool empty() const { return chars_.empty(); }
  [[nodiscard]] std::size_t size() const { return chars_.size(); }
  [[nodiscard]] Spot spot(std::size_t i) const { return spots_[i]; }
  [[nodiscard]] Spot begin_spot() const { return spots_.empty() ? Spot{} : spots_.front(); }
  /// The part of `count` characters from `begin` on.
  [[nodiscard]] ShellText part(std::size_t begin, std::size_t count) const;

 private:
  std::string chars_;
  std::vector<Spot> spots_;
};

/// True for the characters of a variable's name.
bool is_shell_name_char(char c);

/// The words of a text: its parts between white space.
std::vector<ShellText> split_words(const ShellText& text);

/// A text with the name of a variable that the script does not set, in the place of its value.
ShellText unknown_value(std::string_view name, Spot spot);
/// The name of the first such variable in a text; empty if there is none.
std::string unknown_in(std::string_view chars);
/// The text with such values as the shell has them: empty.
std::string without_unknown(std::string_view chars);

}  // namespace foreshard::detail
