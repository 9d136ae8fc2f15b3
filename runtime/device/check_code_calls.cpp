#include "runtime/device/check_code_calls.hpp"

#include <string_view>

#include <fmt/format.h>

#include "runtime/device/call_check.hpp"

namespace foreshard {
namespace {

void check_matrix(const CallCheck& check, std::string_view name, const CodedMatrix& matrix) {
  check.has(name, matrix.numbers, checked_product(matrix.rows, matrix.columns), "rows·columns");
  if (matrix.block_rows < 1 || matrix.block_columns < 1) check.refuse("its blocks have no elements");
  if (matrix.transposed && !matrix.has_one_scale()) check.refuse("a transposed copy must have one scale");
  if (!matrix.holds_codes()) return;
  check.has("scales", matrix.scales, checked_product(matrix.scale_rows(), matrix.scale_columns()), "blocks");
}

void check_rows(const CallCheck& check, std::int64_t held, std::int64_t rows) {
  if (held > rows) check.refuse(fmt::format("{} rows were routed to room for {}", held, rows));
}

}  // namespace

void check_code_call(const AmaxCall& call) {
  const CallCheck check("amax");
  check.has("x", call.x, checked_product(call.rows, call.columns), "rows·columns");
  check.has("y", call.y, 1, "one number");
  check_rows(check, call.held_rows(), call.rows);
}

void check_code_call(const QuantiseCall& call) {
  const CallCheck check("quantise");
  check_matrix(check, "codes", call.to);
  check.has("x", call.x, checked_product(call.to.rows, call.to.columns), "rows·columns");
  check.has_or_empty("largest", call.largest, 1, "one number");
  check.has_or_empty("seen", call.seen, 1, "one number");
  if (!call.largest.empty() && !call.to.has_one_scale())
    check.refuse("several scales need no largest magnitude");
  check_rows(check, call.held_rows(), call.to.rows);
}

void check_code_call(const DecodeCall& call) {
  const CallCheck check("decode");
  check_matrix(check, "codes", call.from);
  check.has("y", call.y, call.from.numbers.elements, "codes");
}

void check_code_call(const TransposeCall& call) {
  const CallCheck check("transpose");
  check_matrix(check, "from", call.from);
  check_matrix(check, "to", call.to);
  check.has("to", call.to.numbers, call.from.numbers.elements, "from");
  if (call.from.transposed == call.to.transposed) check.refuse("both are stored alike");
  if (!call.from.has_one_scale() || call.from.format != call.to.format)
    check.refuse("both must have one scale and one format");
}

}  // namespace foreshard
