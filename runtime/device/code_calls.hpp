#pragma once

#include <cstdint>

#include "planner/units/count.hpp"
#include "runtime/device/buffer.hpp"
#include "runtime/device/codes.hpp"
#include "runtime/device/routed_rows.hpp"

namespace foreshard {

// Kernel calls that make copies of matrices in 8 bits and read them.

/// A matrix (rows, columns) of 8-bit codes, in which every block_rows × block_columns elements share a scale:
///   tensorwise  all    rowwise  a row (1, columns) or, across, a column (rows, 1)
///   block       (1, 128), (128, 1), of weights (128, 128)    mxfp8  (1, 32) or (32, 1)
/// Scales are fp32, or 8 bits with their exponents (mxfp8); row-major by block. A device that stores other numbers than
/// bytes in `numbers` (the reference: fp64) stores what the codes stand for, and has no scales.
struct CodedMatrix {
  CodeFormat format = CodeFormat::e4m3;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t block_rows = 1;
  std::int64_t block_columns = 1;
  bool transposed = false;  ///< numbers are stored as (columns, rows). @pre one scale for all
  Buffer numbers{};         ///< uint8
  Buffer scales{};          ///< fp32, or uint8: the exponent + 127 (E8M0, OCP Microscaling Formats 1.0)

  [[nodiscard]] constexpr std::int64_t scale_rows() const { return ceil_divide(rows, block_rows); }
  [[nodiscard]] constexpr std::int64_t scale_columns() const { return ceil_divide(columns, block_columns); }
  [[nodiscard]] constexpr bool has_one_scale() const { return scale_rows() == 1 && scale_columns() == 1; }
  [[nodiscard]] constexpr bool holds_codes() const { return numbers.type == DType::uint8; }
};

/// y (1) = max |x| over the rows of x (rows, columns) that hold tokens: all, or as many as `routed` lists.
struct AmaxCall {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const RoutedRows* routed = nullptr;
  Buffer x{};
  Buffer y{};

  [[nodiscard]] std::int64_t held_rows() const { return routed == nullptr ? rows : routed->total; }
};

/// to = x (rows, columns), rounded to the nearest codes; each block has the smallest scale that its largest magnitude
/// needs (scale_exponent). Rows beyond those that `routed` lists are not read.
/// `largest` (1): the largest magnitude that the one scale is for; larger numbers saturate. Empty: it is found in x.
/// `seen` (1): becomes the largest magnitude of x, if it was smaller; or empty.
struct QuantiseCall {
  const RoutedRows* routed = nullptr;
  Buffer x{};
  Buffer largest{};
  Buffer seen{};
  CodedMatrix to{};

  [[nodiscard]] std::int64_t held_rows() const { return routed == nullptr ? to.rows : routed->total; }
};

/// y (rows, columns) = what the codes stand for, however they are stored. bf16 holds it exactly.
struct DecodeCall {
  CodedMatrix from{};
  Buffer y{};
};

/// `to` = the same matrix, stored transposed. @pre one scale for all
struct TransposeCall {
  CodedMatrix from{};
  CodedMatrix to{};
};

}  // namespace foreshard
