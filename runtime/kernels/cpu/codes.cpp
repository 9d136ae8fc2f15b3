// x (rows, columns) → codes (rows, columns) and scales (⌈rows/block rows⌉, ⌈columns/block columns⌉)
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/device/bfloat16.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

/// The smallest number of elements for which another thread pays: 64 KiB of fp32.
constexpr std::int64_t kCodesPerShare = std::int64_t{16} * 1024;

std::int64_t rows_per_share(std::int64_t columns) {
  return 1 + kCodesPerShare / std::max<std::int64_t>(columns, 1);
}

/// Calls work(numbers) with the buffer's numbers in their own type.
template <class Work>
void with_numbers(const Buffer& x, const Work& work) {
  if (x.type == DType::bf16) return work(as<const BFloat16>(x));
  expect_one_width("quantise", {x, fp32_buffer(nullptr, 1)});
  work(as<const float>(x));
}

template <class T>
float largest_of_row(const T* x, std::int64_t count) {
  float largest = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(static_cast<float>(x[i])));
  return largest;
}

/// The largest magnitude of rows (rows, columns). A maximum is the same in any order, on any number of threads.
float largest_magnitude(Context& context, const Buffer& x, std::int64_t rows, std::int64_t columns) {
  float* by_row = context.workspace.reserve<float>(std::max<std::int64_t>(rows, 1));
  share(context.pool, rows, rows_per_share(columns), [&](Range range) {
    with_numbers(x, [&](const auto* numbers) {
      for (std::int64_t row = range.begin; row < range.end; ++row)
        by_row[row] = largest_of_row(numbers + row * columns, columns);
    });
  });
  return largest_of_row(by_row, rows);
}

void put_scale(const CodedMatrix& to, std::int64_t block, int exponent) {
  if (to.scales.type == DType::uint8) {
    as<std::uint8_t>(to.scales)[block] = static_cast<std::uint8_t>(exponent + 127);
  } else {
    as<float>(to.scales)[block] = std::ldexp(1.0F, exponent);
  }
}

float scale_at(const CodedMatrix& matrix, std::int64_t block) {
  if (matrix.scales.type == DType::uint8)
    return std::ldexp(1.0F, as<const std::uint8_t>(matrix.scales)[block] - 127);
  return as<const float>(matrix.scales)[block];
}

/// Finds the scales of one row of blocks.
template <class T>
void find_scales(const QuantiseCall& call, const T* x, std::int64_t block_row, float* largest) {
  const CodedMatrix& to = call.to;
  const std::int64_t blocks = to.scale_columns();
  std::fill_n(largest, blocks, 0.0F);
  const std::int64_t end = std::min((block_row + 1) * to.block_rows, call.held_rows());
  for (std::int64_t row = block_row * to.block_rows; row < end; ++row) {
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t first = block * to.block_columns;
      const std::int64_t count = std::min(to.block_columns, to.columns - first);
      largest[block] = std::max(largest[block], largest_of_row(x + row * to.columns + first, count));
    }
  }
  for (std::int64_t block = 0; block < blocks; ++block)
    put_scale(to, block_row * blocks + block, scale_exponent(to.format, static_cast<double>(largest[block])));
}

void find_all_scales(Context& context, const QuantiseCall& call) {
  const CodedMatrix& to = call.to;
  if (to.has_one_scale()) {
    const float largest = call.largest.empty()
                              ? largest_magnitude(context, call.x, call.held_rows(), to.columns)
                              : as<const float>(call.largest)[0];
    return put_scale(to, 0, scale_exponent(to.format, static_cast<double>(largest)));
  }
  float* largest = context.workspace.reserve<float>(to.scale_rows() * to.scale_columns());
  const std::int64_t block_rows = ceil_divide(call.held_rows(), to.block_rows);
  share(context.pool, block_rows, rows_per_share(to.block_rows * to.columns), [&](Range range) {
    with_numbers(call.x, [&](const auto* x) {
      for (std::int64_t row = range.begin; row < range.end; ++row)
        find_scales(call, x, row, largest + row * to.scale_columns());
    });
  });
}

template <class T>
void encode_row(const CodedMatrix& to, const T* x, std::int64_t row) {
  auto* codes = as<std::uint8_t>(to.numbers) + (to.transposed ? row : row * to.columns);
  const std::int64_t step = to.transposed ? to.rows : 1;
  const std::int64_t blocks = to.scale_columns();
  for (std::int64_t block = 0; block < blocks; ++block) {
    const float inverse = 1.0F / scale_at(to, row / to.block_rows * blocks + block);
    const std::int64_t end = std::min((block + 1) * to.block_columns, to.columns);
    for (std::int64_t column = block * to.block_columns; column < end; ++column)
      codes[column * step] = encode(to.format, static_cast<float>(x[column]) * inverse);
  }
}

template <class T>
void decode_row(const CodedMatrix& from, T* y, std::int64_t row) {
  const auto& values = code_values(from.format);
  const auto* codes = as<const std::uint8_t>(from.numbers) + (from.transposed ? row : row * from.columns);
  const std::int64_t step = from.transposed ? from.rows : 1;
  const std::int64_t blocks = from.scale_columns();
  for (std::int64_t block = 0; block < blocks; ++block) {
    const float scale = scale_at(from, row / from.block_rows * blocks + block);
    const std::int64_t end = std::min((block + 1) * from.block_columns, from.columns);
    for (std::int64_t column = block * from.block_columns; column < end; ++column)
      y[row * from.columns + column] = T(values[codes[column * step]] * scale);
  }
}

}  // namespace

void run(Context& context, const AmaxCall& call) {
  as<float>(call.y)[0] = largest_magnitude(context, call.x, call.held_rows(), call.columns);
}

void run(Context& context, const QuantiseCall& call) {
  const CodedMatrix& to = call.to;
  find_all_scales(context, call);
  share(context.pool, call.held_rows(), rows_per_share(to.columns), [&](Range range) {
    with_numbers(call.x, [&](const auto* x) {
      for (std::int64_t row = range.begin; row < range.end; ++row) encode_row(to, x + row * to.columns, row);
    });
  });
  if (call.seen.empty()) return;
  float& seen = as<float>(call.seen)[0];
  seen = std::max(seen, largest_magnitude(context, call.x, call.held_rows(), to.columns));
}

void run(Context& context, const DecodeCall& call) {
  const CodedMatrix& from = call.from;
  share(context.pool, from.rows, rows_per_share(from.columns), [&](Range range) {
    for (std::int64_t row = range.begin; row < range.end; ++row)
      call.y.type == DType::bf16 ? decode_row(from, as<BFloat16>(call.y), row)
                                 : decode_row(from, as<float>(call.y), row);
  });
}

void run(Context& context, const TransposeCall& call) {
  const CodedMatrix& from = call.from;
  const std::int64_t rows = from.transposed ? from.columns : from.rows;
  const std::int64_t columns = from.transposed ? from.rows : from.columns;
  const auto* codes = as<const std::uint8_t>(from.numbers);
  auto* turned = as<std::uint8_t>(call.to.numbers);
  share(context.pool, rows, rows_per_share(columns), [&](Range range) {
    for (std::int64_t row = range.begin; row < range.end; ++row)
      for (std::int64_t column = 0; column < columns; ++column)
        turned[column * rows + row] = codes[row * columns + column];
  });
  as<float>(call.to.scales)[0] = as<const float>(from.scales)[0];
}

}  // namespace foreshard::cpu
