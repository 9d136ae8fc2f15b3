#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "planner/report/record.hpp"

namespace foreshard::report {

/// How an answer is written. A further format is added here and in output_format.cpp, with a writer beside
/// record_json.cpp: every command has it then.
enum class OutputFormat : std::uint8_t {
  table,  ///< for people
  json,
  csv,
  short_csv  ///< few columns
};

/// What users call a format, and what help says about it; may be empty.
struct FormatName {
  OutputFormat format;
  std::string_view word;
  std::string_view remark;
};
inline constexpr std::array<FormatName, 4> kOutputFormats{
    {{OutputFormat::table, "table", "for people"},
     {OutputFormat::json, "json", ""},
     {OutputFormat::csv, "csv", ""},
     {OutputFormat::short_csv, "csv-short", "few columns"}}};

/// An answer for people and for programs; what is not asked for is not made.
struct Answer {
  std::function<std::string()> table;
  std::function<Record()> record;
};

std::string write(const Answer& answer, OutputFormat format);

}  // namespace foreshard::report
