#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/yaml/complaints.hpp"

namespace foreshard::detail {

/// A value of a flag. Text may hold a variable that the script does not set (shell_text.hpp).
struct FlagValue {
  std::string text;
  Place place;
};

/// A flag of a command line, "--num-layers 80", with the words that follow it.
struct Flag {
  std::string name;  ///< with dashes: --num-layers
  Place place;
  std::vector<FlagValue> values{};
};

/// The flags of a launch command. Every function that reads a flag marks it as used; of a flag that is given
/// twice, the last counts, as in argparse.
class FlagReader {
 public:
  /// @param overridden  keys of the job that the command line sets: flags for them need not be known
  FlagReader(std::vector<Flag> flags, const Place& whole, std::set<std::string> overridden,
             Complaints& complaints);

  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The first value of a flag; none if it is missing or, with a complaint, if its value is not known.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  [[nodiscard]] std::string text_or(std::string_view name, const std::string& fallback) const;
  /// The first value of a flag if it is known; none, without a complaint, if not.
  [[nodiscard]] std::optional<std::string> known_text(std::string_view name) const;
  /// A whole number, from 0; none if it is missing or, with a complaint, if it is no whole number.
  [[nodiscard]] std::optional<std::int64_t> whole(std::string_view name) const;
  [[nodiscard]] std::int64_t whole_or(std::string_view name, std::int64_t fallback) const;
  [[nodiscard]] double real_or(std::string_view name, double fallback) const;
  /// All values of a flag; they may be in several words, or in one with commas.
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  /// The first of these flags that is there; the first if none is.
  [[nodiscard]] std::string_view one_of(std::initializer_list<std::string_view> names) const;
  /// Marks flags as read that have no effect of their own here.
  void knows(std::initializer_list<std::string_view> names) const;

  /// The place of a flag; that of the whole command if it is missing.
  [[nodiscard]] Place place(std::string_view name) const;
  void complain(std::string_view name, std::string message, std::string allowed = {}) const;
  void complain_of_missing(std::string_view name, std::string allowed = {}) const;
  [[nodiscard]] Complaints& complaints() const { return *complaints_; }
  [[nodiscard]] bool is_overridden(std::string_view key) const;

  /// The flags that nobody has read, each once.
  [[nodiscard]] std::vector<const Flag*> unread() const;

 private:
  [[nodiscard]] const Flag* find(std::string_view name) const;

  std::vector<Flag> flags_;
  Place whole_;
  std::set<std::string> overridden_;
  Complaints* complaints_;
  mutable std::set<std::string, std::less<>> used_;
};

}  // namespace foreshard::detail
