#pragma once

#include <map>
#include <string>
#include <vector>

#include "planner/spec/megatron/shell_lexer.hpp"
#include "planner/spec/megatron/shell_text.hpp"

namespace foreshard::detail {

/// The variables of a script, and what words with them stand for. A variable that was never set has an unknown
/// value (shell_text.hpp).
class ShellValues {
 public:
  void set(const std::string& name, std::vector<ShellText> items) { items_[name] = std::move(items); }
  void append(const std::string& name, const std::vector<ShellText>& items, bool is_array);
  [[nodiscard]] const std::map<std::string, std::vector<ShellText>>& all() const { return items_; }

  /// The words that a token stands for: values of unquoted variables are split at white space.
  [[nodiscard]] std::vector<ShellText> words(const ShellToken& token) const;
  /// The one text that a token stands for, as on the right of an assignment.
  [[nodiscard]] ShellText text(const ShellToken& token) const;
  /// A text with the variables in it replaced, and without quotes.
  [[nodiscard]] ShellText expanded(const ShellText& text) const;

 private:
  struct Value {
    std::vector<ShellText> items;
    bool is_array = false;
  };
  /// The value of what stands in ${…}: a name, and perhaps a default.
  [[nodiscard]] Value variable(const ShellText& expression, Spot spot) const;
  [[nodiscard]] ShellText arithmetic(const ShellText& expression, Spot spot) const;
  [[nodiscard]] Value value(const ShellPart& part) const;

  std::map<std::string, std::vector<ShellText>> items_;
};

}  // namespace foreshard::detail
