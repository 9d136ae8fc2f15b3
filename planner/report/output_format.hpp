#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "planner/report/record.hpp"

namespace foreshard::report {

/// The output formats of all commands. To add a format, add it here and in output_format.cpp, and write its
/// writer next to record_json.cpp.
enum class OutputFormat : std::uint8_t {
  table,  ///< for people
  json,
  csv,
  short_csv,  ///< few columns
  html        ///< a page for browsers
};

/// The name of a format on the command line, and its help text, which may be empty.
struct FormatName {
  OutputFormat format;
  std::string_view word;
  std::string_view remark;
};
inline constexpr std::array<FormatName, 5> kOutputFormats{
    {{OutputFormat::table, "table", "for people"},
     {OutputFormat::json, "json", ""},
     {OutputFormat::csv, "csv", ""},
     {OutputFormat::short_csv, "csv-short", "few columns"},
     {OutputFormat::html, "html", "a page for browsers"}}};

/// A command's result for people and for programs. Only the requested one is computed.
struct Answer {
  std::function<std::string()> table;
  std::function<Record()> record;
};

std::string write(const Answer& answer, OutputFormat format);

}  // namespace foreshard::report
