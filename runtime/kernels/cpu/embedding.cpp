// ids (tokens)   table, d_table (rows,width): this rank's rows, from first_row on   y, dy (tokens,width)
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

bool is_here(const EmbeddingCall& call, std::int64_t row) { return row >= 0 && row < call.rows; }

void copy_rows(const EmbeddingCall& call, Range tokens) {
  const std::int32_t* ids = as<const std::int32_t>(call.ids);
  const std::int64_t bytes = call.width * size_in_bytes(call.table.type);
  for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
    const std::int64_t row = ids[token] - call.first_row;
    std::byte* y = call.y.data + token * bytes;
    if (is_here(call, row)) {
      std::copy_n(call.table.data + row * bytes, bytes, y);
    } else {
      std::fill_n(y, bytes, std::byte{0});
    }
  }
}

/// Adds these columns of all tokens, in the order of the tokens. Threads split the columns, not the tokens,
/// because two tokens may have the same row of the table.
void add_columns_to_rows(const KernelSet& loops, const EmbeddingCall& call, Range columns) {
  const std::int32_t* ids = as<const std::int32_t>(call.ids);
  for (std::int64_t token = 0; token < call.tokens; ++token) {
    const std::int64_t row = ids[token] - call.first_row;
    if (!is_here(call, row)) continue;
    loops.add_to(call.d_table.part(row * call.width + columns.begin, columns.size()),
                 call.dy.part(token * call.width + columns.begin, columns.size()));
  }
}

}  // namespace

void run(Context& context, const EmbeddingCall& call) {
  if (call.backward) {
    if (call.d_table.empty() || call.dy.empty()) return;
    share(context.pool, call.width, 64,
          [&](Range columns) { add_columns_to_rows(context.loops, call, columns); });
  } else {
    expect_one_width("embedding", {call.table, call.y});
    share(context.pool, call.tokens, 8, [&](Range tokens) { copy_rows(call, tokens); });
  }
}

}  // namespace foreshard::cpu
