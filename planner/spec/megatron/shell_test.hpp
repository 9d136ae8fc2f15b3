#pragma once

#include <optional>
#include <string>
#include <vector>

namespace foreshard::detail {

/// Whether the words of a test, between [ and ] or [[ and ]], hold. Variables that the script does not set are
/// empty, as in the shell. None where only the machine that runs the script can say: tests of files, patterns.
std::optional<bool> shell_test(const std::vector<std::string>& words);

/// The value of an arithmetic expression of whole numbers with + - * / % and parentheses; none if it is another.
std::optional<std::int64_t> shell_arithmetic(const std::string& expression);

/// True if a text matches a pattern with * and ?.
bool shell_matches(const std::string& pattern, const std::string& text);

}  // namespace foreshard::detail
