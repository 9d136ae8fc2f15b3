// Online softmax over tiles of 32 keys. A warp processes one query row at a time; each lane has one column
// (key) of the tile. Formulas: runtime/device/kernel_call.hpp. An example of the online softmax:
// runtime/kernels/cpu/vector/attention_tile.cpp. Source: Dao et al. 2022, arXiv:2205.14135, algorithms 1 and
// 4.
//
// A block processes the keys from the first one that its first row sees to the last one that its last row sees
// (runtime/device/attention_mask.hpp). Sinks are added afterwards: attention_sinks.cu.
//
// Example: a block has 16 query rows, say 32 … 47 of a causal sequence: warp 0 has rows 32 … 35, warp 3 rows
// 44 … 47. The block loads the keys 0 … 31 into shared memory; lane j computes the score of key j for each
// row of its warp; warp_max and warp_sum give the row's maximum and sum. Then the block loads the keys 32 …
// 63, of which row 32 uses one.
#include <algorithm>

#include "runtime/kernels/cuda/attention.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kTile = 32;  // columns: one per lane
constexpr int kTileWarps = 4;
constexpr int kRowsPerWarp = 4;
constexpr int kRows = kTileWarps * kRowsPerWarp;  // rows of a block
constexpr int kTileThreads = kTileWarps * 32;
constexpr int kMostTileDim = 256;
constexpr int kMostTileChunks = kMostTileDim / 32;  // numbers of a row that a lane holds

/// The sizes and buffers of one call.
template <class T>
struct Shape {
  std::int64_t sequence;
  int heads;
  int kv_heads;
  int dim;
  AttentionMask mask;
  float scale;
  const T* qkv;
  const T* out;
  const T* d_out;
  float* lse;
  float* delta;  // (tokens, heads): Σ over dims of out·d_out
  T* to;         // out forward, d_qkv backward

  __device__ std::int64_t row_width() const { return std::int64_t{heads + 2 * kv_heads} * dim; }
  /// Column of a head within a row of qkv. Part 0 is q of a query head, 1 is k and 2 is v of a kv head.
  __device__ std::int64_t within(int part, int head) const {
    const int before = part == 0 ? 0 : heads + (part - 1) * kv_heads;
    return std::int64_t{before + head} * dim;
  }
  /// The keys that the queries first … first + kRows − 1 see together.
  __device__ PositionRange keys_of_block(std::int64_t first) const {
    const std::int64_t last = min(first + kRows, sequence) - 1;
    return {keys_of(first).first, keys_of(last).end};
  }
  /// The queries that see any of the keys first … first + kRows − 1.
  __device__ PositionRange queries_of_block(std::int64_t first) const {
    const std::int64_t last = min(first + kRows, sequence) - 1;
    return {queries_of(first).first, queries_of(last).end};
  }
  /// Of the block's sequence, blockIdx.z. No keys if there is no such query.
  __device__ PositionRange keys_of(std::int64_t query) const {
    return query < sequence ? mask.keys_of({blockIdx.z, query}, sequence) : PositionRange{};
  }
  __device__ PositionRange queries_of(std::int64_t key) const {
    return key < sequence ? mask.queries_of({blockIdx.z, key}, sequence) : PositionRange{};
  }
};

/// Copies the rows first … first + count − 1 of a matrix, whose rows are `width` elements apart, to shared
/// memory with rows `stride` apart. Rows from `end` on become zeros.
template <class T>
__device__ void load_rows(float* shared, int stride, const T* from, std::int64_t width, std::int64_t first,
                          std::int64_t end, int count, int dim) {
  for (int i = static_cast<int>(threadIdx.x); i < count * dim; i += kTileThreads) {
    const int row = i / dim;
    const int c = i % dim;
    shared[row * stride + c] = first + row < end ? to_float(from[(first + row) * width + c]) : 0.0F;
  }
}

__device__ float dot(const float* a, const float* b, int dim) {
  float sum = 0.0F;
  for (int c = 0; c < dim; ++c) sum += a[c] * b[c];
  return sum;
}

/// Block (x, y, z) computes the rows from x·kRows on of query head y of sequence z.
template <class T>
__global__ void __launch_bounds__(kTileThreads) forward(Shape<T> of) {
  float* const memory = dynamic_shared();
  const int stride = of.dim + 1;  // lanes read one column of 32 rows: dim + 1 avoids bank conflicts
  float* const q = memory;
  float* const k = q + kRows * of.dim;
  float* const v = k + kTile * stride;
  const int head = static_cast<int>(blockIdx.y);
  const int kv_head = head / (of.heads / of.kv_heads);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const std::int64_t first = std::int64_t{blockIdx.x} * kRows;
  const std::int64_t width = of.row_width();
  const T* const rows = of.qkv + std::int64_t{blockIdx.z} * of.sequence * width;

  load_rows(q, of.dim, rows + of.within(0, head), width, first, of.sequence, kRows, of.dim);
  float out[kRowsPerWarp][kMostTileChunks] = {};
  float largest[kRowsPerWarp];
  float sum[kRowsPerWarp] = {};
  for (float& each : largest) each = -INFINITY;
  const PositionRange keys = of.keys_of_block(first);
  for (std::int64_t key = keys.first; key < keys.end; key += kTile) {
    __syncthreads();
    load_rows(k, stride, rows + of.within(1, kv_head), width, key, of.sequence, kTile, of.dim);
    load_rows(v, stride, rows + of.within(2, kv_head), width, key, of.sequence, kTile, of.dim);
    __syncthreads();
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const std::int64_t row = first + warp * kRowsPerWarp + r;
      const bool seen = of.keys_of(row).contains(key + lane);
      const float score =
          seen ? of.scale * dot(q + (warp * kRowsPerWarp + r) * of.dim, k + lane * stride, of.dim)
               : -INFINITY;
      const float new_largest = fmaxf(largest[r], warp_max(score));
      if (new_largest == -INFINITY) continue;
      const float shrink = __expf(largest[r] - new_largest);
      const float weight = seen ? __expf(score - new_largest) : 0.0F;
      largest[r] = new_largest;
      sum[r] = sum[r] * shrink + warp_sum(weight);
      for (int c = 0; c < kMostTileChunks; ++c) out[r][c] *= shrink;
      for (int j = 0; j < kTile; ++j) {
        const float p = __shfl_sync(0xFFFFFFFFU, weight, j);
        for (int c = 0; c < kMostTileChunks; ++c)
          if (c * 32 + lane < of.dim) out[r][c] += p * v[j * stride + c * 32 + lane];
      }
    }
  }
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const std::int64_t row = first + warp * kRowsPerWarp + r;
    if (row >= of.sequence) continue;
    const std::int64_t token = std::int64_t{blockIdx.z} * of.sequence + row;
    T* const to = of.to + (token * of.heads + head) * of.dim;
    for (int c = 0; c < kMostTileChunks; ++c)
      if (c * 32 + lane < of.dim) set(to[c * 32 + lane], out[r][c] / sum[r]);
    if (lane == 0) of.lse[token * of.heads + head] = largest[r] + logf(sum[r]);
  }
}

/// One warp per (token, head).
template <class T>
__global__ void __launch_bounds__(kTileThreads) row_products(Shape<T> of, std::int64_t rows) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kTileWarps + threadIdx.x / 32;
  if (row >= rows) return;
  float sum = 0.0F;
  for (int c = static_cast<int>(threadIdx.x) % 32; c < of.dim; c += 32)
    sum += to_float(of.out[row * of.dim + c]) * to_float(of.d_out[row * of.dim + c]);
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) of.delta[row] = sum;
}

/// Block (x, y, z) computes dq of the rows from x·kRows on of query head y of sequence z.
template <class T>
__global__ void __launch_bounds__(kTileThreads) backward_queries(Shape<T> of) {
  float* const memory = dynamic_shared();
  const int stride = of.dim + 1;
  float* const q = memory;
  float* const d_out = q + kRows * of.dim;
  float* const k = d_out + kRows * of.dim;
  float* const v = k + kTile * stride;
  const int head = static_cast<int>(blockIdx.y);
  const int kv_head = head / (of.heads / of.kv_heads);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const std::int64_t first = std::int64_t{blockIdx.x} * kRows;
  const std::int64_t width = of.row_width();
  const std::int64_t token = std::int64_t{blockIdx.z} * of.sequence;
  const T* const rows = of.qkv + token * width;
  const std::int64_t out_width = std::int64_t{of.heads} * of.dim;

  load_rows(q, of.dim, rows + of.within(0, head), width, first, of.sequence, kRows, of.dim);
  load_rows(d_out, of.dim, of.d_out + token * out_width + std::int64_t{head} * of.dim, out_width, first,
            of.sequence, kRows, of.dim);
  float dq[kRowsPerWarp][kMostTileChunks] = {};
  const PositionRange keys = of.keys_of_block(first);
  for (std::int64_t key = keys.first; key < keys.end; key += kTile) {
    __syncthreads();
    load_rows(k, stride, rows + of.within(1, kv_head), width, key, of.sequence, kTile, of.dim);
    load_rows(v, stride, rows + of.within(2, kv_head), width, key, of.sequence, kTile, of.dim);
    __syncthreads();
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const int own = warp * kRowsPerWarp + r;
      const std::int64_t row = first + own;
      const bool seen = of.keys_of(row).contains(key + lane);
      float slope = 0.0F;
      if (seen) {
        const std::int64_t at = (token + row) * of.heads + head;
        const float p = __expf(of.scale * dot(q + own * of.dim, k + lane * stride, of.dim) - of.lse[at]);
        slope = of.scale * p * (dot(d_out + own * of.dim, v + lane * stride, of.dim) - of.delta[at]);
      }
      for (int j = 0; j < kTile; ++j) {
        const float s = __shfl_sync(0xFFFFFFFFU, slope, j);
        for (int c = 0; c < kMostTileChunks; ++c)
          if (c * 32 + lane < of.dim) dq[r][c] += s * k[j * stride + c * 32 + lane];
      }
    }
  }
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const std::int64_t row = first + warp * kRowsPerWarp + r;
    if (row >= of.sequence) continue;
    T* const to = of.to + (token + row) * width + of.within(0, head);
    for (int c = 0; c < kMostTileChunks; ++c)
      if (c * 32 + lane < of.dim) set(to[c * 32 + lane], dq[r][c]);
  }
}

/// Block (x, y, z) computes dk and dv of the rows from x·kRows on of kv head y of sequence z: sums over its
/// query heads, in their order.
template <class T>
__global__ void __launch_bounds__(kTileThreads) backward_keys(Shape<T> of) {
  float* const memory = dynamic_shared();
  const int stride = of.dim + 1;
  float* const k = memory;
  float* const v = k + kRows * of.dim;
  float* const q = v + kRows * of.dim;
  float* const d_out = q + kTile * stride;
  const int kv_head = static_cast<int>(blockIdx.y);
  const int group = of.heads / of.kv_heads;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const std::int64_t first = std::int64_t{blockIdx.x} * kRows;
  const std::int64_t width = of.row_width();
  const std::int64_t token = std::int64_t{blockIdx.z} * of.sequence;
  const T* const rows = of.qkv + token * width;
  const std::int64_t out_width = std::int64_t{of.heads} * of.dim;

  load_rows(k, of.dim, rows + of.within(1, kv_head), width, first, of.sequence, kRows, of.dim);
  load_rows(v, of.dim, rows + of.within(2, kv_head), width, first, of.sequence, kRows, of.dim);
  float dk[kRowsPerWarp][kMostTileChunks] = {};
  float dv[kRowsPerWarp][kMostTileChunks] = {};
  const PositionRange queries = of.queries_of_block(first);
  for (int head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    for (std::int64_t query = queries.first; query < queries.end; query += kTile) {
      __syncthreads();
      load_rows(q, stride, rows + of.within(0, head), width, query, of.sequence, kTile, of.dim);
      load_rows(d_out, stride, of.d_out + token * out_width + std::int64_t{head} * of.dim, out_width, query,
                of.sequence, kTile, of.dim);
      __syncthreads();
      for (int r = 0; r < kRowsPerWarp; ++r) {
        const int own = warp * kRowsPerWarp + r;
        const std::int64_t row = first + own;  // the key
        const bool seen = of.queries_of(row).contains(query + lane);
        float p = 0.0F;
        float slope = 0.0F;
        if (seen) {
          const std::int64_t at = (token + query + lane) * of.heads + head;
          p = __expf(of.scale * dot(k + own * of.dim, q + lane * stride, of.dim) - of.lse[at]);
          slope = of.scale * p * (dot(v + own * of.dim, d_out + lane * stride, of.dim) - of.delta[at]);
        }
        for (int j = 0; j < kTile; ++j) {
          const float weight = __shfl_sync(0xFFFFFFFFU, p, j);
          const float s = __shfl_sync(0xFFFFFFFFU, slope, j);
          for (int c = 0; c < kMostTileChunks; ++c) {
            if (c * 32 + lane >= of.dim) continue;
            dv[r][c] += weight * d_out[j * stride + c * 32 + lane];
            dk[r][c] += s * q[j * stride + c * 32 + lane];
          }
        }
      }
    }
  }
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const std::int64_t row = first + warp * kRowsPerWarp + r;
    if (row >= of.sequence) continue;
    T* const to = of.to + (token + row) * width;
    for (int c = 0; c < kMostTileChunks; ++c) {
      if (c * 32 + lane >= of.dim) continue;
      set(to[of.within(1, kv_head) + c * 32 + lane], dk[r][c]);
      set(to[of.within(2, kv_head) + c * 32 + lane], dv[r][c]);
    }
  }
}

constexpr int kSquare = 32;

__global__ void __launch_bounds__(kSquare* kSquare)
    transpose(const float* from, float* to, std::int64_t rows, std::int64_t columns) {
  __shared__ float tile[kSquare][kSquare + 1];
  const std::int64_t matrix = std::int64_t{blockIdx.z} * rows * columns;
  const std::int64_t row = std::int64_t{blockIdx.y} * kSquare;
  const std::int64_t column = std::int64_t{blockIdx.x} * kSquare;
  if (row + threadIdx.y < rows && column + threadIdx.x < columns)
    tile[threadIdx.y][threadIdx.x] = from[matrix + (row + threadIdx.y) * columns + column + threadIdx.x];
  __syncthreads();
  if (column + threadIdx.y < columns && row + threadIdx.x < rows)
    to[matrix + (column + threadIdx.y) * rows + row + threadIdx.x] = tile[threadIdx.x][threadIdx.y];
}

template <class Kernel, class T>
void launch(Context& context, Kernel kernel, const Shape<T>& of, int heads, std::int64_t batch,
            std::int64_t shared_floats) {
  const auto bytes = static_cast<int>(shared_floats * static_cast<std::int64_t>(sizeof(float)));
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
             "cudaFuncSetAttribute");
  const dim3 grid(blocks_for(of.sequence, kRows), static_cast<unsigned>(heads), static_cast<unsigned>(batch));
  start(context, "attention", {grid, kTileThreads, static_cast<std::size_t>(bytes)}, kernel, of);
}

template <class T>
Shape<T> shape_of(Context& context, const AttentionCall& call) {
  return {.sequence = call.sequence,
          .heads = static_cast<int>(call.heads),
          .kv_heads = static_cast<int>(call.kv_heads),
          .dim = static_cast<int>(call.head_dim),
          .mask = call.mask,
          .scale = 1.0F / sqrtf(static_cast<float>(call.head_dim)),
          .qkv = reinterpret_cast<const T*>(call.qkv.data),
          .out = reinterpret_cast<const T*>(call.out.data),
          .d_out = reinterpret_cast<const T*>(call.d_out.data),
          .lse = floats(call.lse),
          .delta = context.scratch(),
          .to = reinterpret_cast<T*>(call.backward ? call.d_qkv.data : call.out.data)};
}

}  // namespace

void transpose_rows(Context& context, const float* from, float* to, std::int64_t batch, std::int64_t rows,
                    std::int64_t columns) {
  const dim3 grid(blocks_for(columns, kSquare), blocks_for(rows, kSquare), static_cast<unsigned>(batch));
  start(context, "a transposition", {grid, dim3(kSquare, kSquare)}, transpose, from, to, rows, columns);
}

void run_own_attention(Context& context, const AttentionCall& call) {
  const std::int64_t rows = call.batch * call.sequence * call.heads;
  if (call.head_dim > kMostTileDim) throw std::invalid_argument("attention: heads of more than 256 numbers");
  if (call.backward &&
      rows * static_cast<std::int64_t>(sizeof(float)) > static_cast<std::int64_t>(Context::kScratchBytes))
    throw std::invalid_argument(
        "attention: more than 2^24 rows of heads in one call; use a smaller micro-batch");
  const std::int64_t dim = call.head_dim;
  with_numbers(call.qkv, [&](auto* qkv) {
    using T = std::remove_pointer_t<decltype(qkv)>;
    const Shape<T> of = shape_of<T>(context, call);
    if (!call.backward) {
      launch(context, forward<T>, of, of.heads, call.batch, kRows * dim + 2 * kTile * (dim + 1));
      return;
    }
    start(context, "attention", {blocks_for(rows, kTileWarps), kTileThreads}, row_products<T>, of, rows);
    const std::int64_t shared = 2 * kRows * dim + 2 * kTile * (dim + 1);
    launch(context, backward_queries<T>, of, of.heads, call.batch, shared);
    launch(context, backward_keys<T>, of, of.kv_heads, call.batch, shared);
  });
}

}  // namespace foreshard::cuda
