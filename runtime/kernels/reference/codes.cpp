// x, numbers (rows, columns), or numbers stored as (columns, rows)
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {
namespace {

std::int64_t place_in(const CodedMatrix& matrix, std::int64_t row, std::int64_t column) {
  return matrix.transposed ? column * matrix.rows + row : row * matrix.columns + column;
}

/// The elements of one block that hold tokens.
struct CodeBlock {
  std::int64_t first_row, last_row, first_column, last_column;
};

template <class Real>
Real largest_in(const Real* x, std::int64_t columns, const CodeBlock& block) {
  Real largest = 0;
  for (std::int64_t row = block.first_row; row < block.last_row; ++row)
    for (std::int64_t column = block.first_column; column < block.last_column; ++column)
      largest = std::max(largest, std::abs(x[row * columns + column]));
  return largest;
}

template <class Real>
void round_block(const QuantiseCall& call, const CodeBlock& block) {
  const CodedMatrix& to = call.to;
  const Real* x = as<const Real>(call.x);
  const Real largest =
      call.largest.empty() ? largest_in(x, to.columns, block) : as<const Real>(call.largest)[0];
  const int exponent = scale_exponent(to.format, static_cast<double>(largest));
  for (std::int64_t row = block.first_row; row < block.last_row; ++row) {
    for (std::int64_t column = block.first_column; column < block.last_column; ++column) {
      const auto value = static_cast<double>(x[row * to.columns + column]);
      const double rounded = nearest_code_value(to.format, std::ldexp(value, -exponent));
      as<Real>(to.numbers)[place_in(to, row, column)] = static_cast<Real>(std::ldexp(rounded, exponent));
    }
  }
}

}  // namespace

template <class Real>
void run(const AmaxCall& call) {
  as<Real>(call.y)[0] =
      largest_in(as<const Real>(call.x), call.columns, {0, call.held_rows(), 0, call.columns});
}

template <class Real>
void run(const QuantiseCall& call) {
  const CodedMatrix& to = call.to;
  for (std::int64_t row = 0; row < call.held_rows(); row += to.block_rows) {
    for (std::int64_t column = 0; column < to.columns; column += to.block_columns) {
      round_block<Real>(call, {row, std::min(row + to.block_rows, call.held_rows()), column,
                               std::min(column + to.block_columns, to.columns)});
    }
  }
  if (call.seen.empty()) return;
  Real& seen = as<Real>(call.seen)[0];
  seen = std::max(seen, largest_in(as<const Real>(call.x), to.columns, {0, call.held_rows(), 0, to.columns}));
}

template <class Real>
void run(const DecodeCall& call) {
  for (std::int64_t row = 0; row < call.from.rows; ++row)
    for (std::int64_t column = 0; column < call.from.columns; ++column)
      as<Real>(call.y)[row * call.from.columns + column] =
          as<const Real>(call.from.numbers)[place_in(call.from, row, column)];
}

template <class Real>
void run(const TransposeCall& call) {
  for (std::int64_t row = 0; row < call.from.rows; ++row)
    for (std::int64_t column = 0; column < call.from.columns; ++column)
      as<Real>(call.to.numbers)[place_in(call.to, row, column)] =
          as<const Real>(call.from.numbers)[place_in(call.from, row, column)];
}

template void run<float>(const AmaxCall&);
template void run<double>(const AmaxCall&);
template void run<float>(const QuantiseCall&);
template void run<double>(const QuantiseCall&);
template void run<float>(const DecodeCall&);
template void run<double>(const DecodeCall&);
template void run<float>(const TransposeCall&);
template void run<double>(const TransposeCall&);

}  // namespace foreshard::reference
