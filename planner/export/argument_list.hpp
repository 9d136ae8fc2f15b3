#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foreshard::detail {

/// Arguments of a command line, one flag with its values per entry.
class ArgumentList {
 public:
  void flag(std::string_view name) { entries_.emplace_back(name); }
  void flag(std::string_view name, std::string_view value);
  void flag(std::string_view name, std::int64_t value);

  /// As a Bash array of this name: NAME=(, a line per entry, ).
  [[nodiscard]] std::string as_array(std::string_view name) const;

 private:
  std::vector<std::string> entries_;
};

/// The value in single quotes if a shell would read more in it than its characters.
std::string shell_word(std::string_view value);

}  // namespace foreshard::detail
