#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/megatron/shell_text.hpp"

namespace foreshard::detail {

/// A piece of a word of a script.
struct ShellPart {
  enum class Kind : std::uint8_t { literal, variable, arithmetic, command };
  Kind kind = Kind::literal;
  ShellText text;          ///< of a literal: itself; of the others: what is between the braces or parentheses
  bool is_quoted = false;  ///< its value is not split into words
  Spot spot{};
};

/// A word, an array in parentheses, or an operator of a script.
struct ShellToken {
  enum class Kind : std::uint8_t { word, array, op, end };
  Kind kind = Kind::end;
  std::vector<ShellPart> parts{};   ///< of a word; of an array: what stands before its '(': NAME= or NAME+=
  std::vector<ShellToken> items{};  ///< of an array: its words
  std::string op{};                 ///< of an operator: newline as ";", else as written
  Spot spot{};

  /// The word's text if it has only unquoted literals, as keywords have; else empty.
  [[nodiscard]] std::string plain() const;
};

/// Splits a shell script into tokens. Comments are left out; the bodies of here-documents are collected in
/// `documents`. Never fails: what is not understood becomes words.
std::vector<ShellToken> lex_shell(std::string_view script, std::vector<ShellText>& documents);

}  // namespace foreshard::detail
