#pragma once

#include <string>

namespace foreshard::report {

/// The tables of several results, with two blank lines between them.
template <class Things, class TableOf>
std::string joined_tables(const Things& things, TableOf table_of) {
  std::string text;
  for (const auto& thing : things) {
    if (!text.empty()) text += "\n\n";
    text += table_of(thing);
  }
  return text;
}

}  // namespace foreshard::report
