#pragma once

#include <string>
#include <vector>

#include "planner/report/field.hpp"

namespace foreshard::report {

/// The result of a command for programs. Every machine-readable format is written from a Record alone.
struct Record {
  std::vector<Fields> objects;  ///< a single object, or one for each job
  /// Keys of lists in the single object: a format with rows writes one row for each of their elements. If
  /// empty, one row for each object.
  std::vector<std::string> row_keys{};
  /// Keys of the columns in a short CSV. A key that ends with a dot stands for all keys with this prefix. If
  /// empty, all.
  std::vector<std::string> few_columns{};
};

/// The record of a single object.
Record record_of(Fields fields, std::vector<std::string> row_keys = {});

/// Writes a record as JSON: one object if it has one, else an array; ends with a newline. Integers are exact
/// up to 2^53 and doubles above; doubles read back to the same value; unknown values are null.
std::string record_json(const Record& record);

/// Writes a record as CSV: a header, then one row for each row of the record. The columns are the keys of all
/// rows, flattened with dots. An unknown value is an empty cell; a list is joined with ';'; a list of objects
/// has a column for each of their keys. Numbers as in JSON. Quoting by RFC 4180; lines end with a line feed
/// only. Empty if there are no rows.
std::string record_csv(const Record& record);

/// The same with few columns, those by which people sort a spreadsheet.
std::string record_short_csv(const Record& record);

/// Writes a record as a page for browsers: one self-contained file, which loads nothing. Script in the page
/// draws the figures from the record's JSON, which the page contains; without script it shows `table`, the
/// answer for people. Every text from the record is escaped.
std::string record_html(const Record& record, const std::string& table);

}  // namespace foreshard::report
