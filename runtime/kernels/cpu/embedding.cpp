// ids (tokens)   table, d_table (rows,width): rows first_row … of the whole   y, dy (tokens,width)
#include <algorithm>
#include <cstdint>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

bool is_here(const EmbeddingCall& call, std::int64_t row) { return row >= 0 && row < call.rows; }

void copy_rows(const EmbeddingCall& call, Range tokens) {
  const std::int32_t* ids = as<const std::int32_t>(call.ids);
  const float* table = as<const float>(call.table);
  for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
    const std::int64_t row = ids[token] - call.first_row;
    float* y = as<float>(call.y) + token * call.width;
    if (is_here(call, row)) {
      std::copy_n(table + row * call.width, call.width, y);
    } else {
      std::fill_n(y, call.width, 0.0F);
    }
  }
}

/// Adds these columns of all tokens, in the tokens' order: two tokens may meet in one row of the table.
void add_columns_to_rows(const KernelSet& loops, const EmbeddingCall& call, Range columns) {
  const std::int32_t* ids = as<const std::int32_t>(call.ids);
  const float* dy = as<const float>(call.dy) + columns.begin;
  float* d_table = as<float>(call.d_table) + columns.begin;
  for (std::int64_t token = 0; token < call.tokens; ++token) {
    const std::int64_t row = ids[token] - call.first_row;
    if (is_here(call, row)) loops.add_to(d_table + row * call.width, dy + token * call.width, columns.size());
  }
}

}  // namespace

void run(Context& context, const EmbeddingCall& call) {
  if (call.backward) {
    if (call.d_table.empty() || call.dy.empty()) return;
    share(context.pool, call.width, 64,
          [&](Range columns) { add_columns_to_rows(context.loops, call, columns); });
  } else {
    share(context.pool, call.tokens, 8, [&](Range tokens) { copy_rows(call, tokens); });
  }
}

}  // namespace foreshard::cpu
