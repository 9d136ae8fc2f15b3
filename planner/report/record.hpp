#pragma once

#include <string>
#include <vector>

#include "planner/report/field.hpp"

namespace foreshard::report {

/// What a command answers to programs. Every machine-readable format is written from this alone.
struct Record {
  std::vector<Fields> objects;  ///< one, or as many as there are jobs
  /// Keys of lists in the one object: a format that has rows writes a row for each of their elements. Empty:
  /// a row for each object.
  std::vector<std::string> row_keys{};
  /// Columns of a CSV for people, by key; one that ends with a dot stands for all that begin so. Empty: all.
  std::vector<std::string> few_columns{};
};

/// The record of one thing.
Record record_of(Fields fields, std::vector<std::string> row_keys = {});

/// One object for one thing, an array otherwise, ending with a newline. Whole numbers are exact up to 2^53 and
/// doubles above; doubles read back to the same value; null stands where a value is not known.
std::string record_json(const Record& record);

/// One header and one row for each thing of the record; the columns are the keys, flattened with dots, of all
/// rows. An unknown value is an empty cell, a list is joined with ';', and a list of things is a column for
/// each of their keys. Numbers as in JSON. Quoting as RFC 4180 has it; lines end with a line feed alone. Empty
/// for no rows.
std::string record_csv(const Record& record);

/// The same with few columns, those that people sort a spreadsheet by.
std::string record_short_csv(const Record& record);

}  // namespace foreshard::report
