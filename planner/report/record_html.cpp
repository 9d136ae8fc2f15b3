#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "planner/report/html/page_parts.hpp"
#include "planner/report/record.hpp"

namespace foreshard::report {
namespace {

std::string html_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

/// JSON as the contents of a script element, which no text of a name can end. '<' occurs only in JSON's
/// strings, where the escape stands for the same character.
std::string json_in_script(const std::string& json) {
  std::string escaped;
  escaped.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// The first line of what the result is about.
std::string title_of(const Record& record) {
  const std::string general = "foreshard";
  if (record.objects.empty()) return general;
  for (const Field& field : record.objects.front()) {
    if (field.key != "verdict.job") continue;
    const auto* const lines = std::get_if<std::vector<std::string>>(&field.value);
    if (lines != nullptr && !lines->empty()) return lines->front();
  }
  return general;
}

}  // namespace

std::string record_html(const Record& record, const std::string& table) {
  const PageParts& parts = kPageParts;
  const std::array<std::pair<std::string_view, std::string>, 6> contents{
      {{"title", html_escaped(title_of(record))},
       {"style", std::string(parts.style)},
       {"table", html_escaped(table)},
       {"record", json_in_script(record_json(record))},
       {"charts", std::string(parts.charts)},
       {"script", std::string(parts.script)}}};
  std::string page;
  std::string_view rest = parts.frame;
  for (const auto& [name, content] : contents) {
    const std::string placeholder = "{{" + std::string(name) + "}}";
    const std::size_t at = rest.find(placeholder);
    page += rest.substr(0, at);
    page += content;
    rest.remove_prefix(at + placeholder.size());
  }
  return page += rest;
}

}  // namespace foreshard::report
