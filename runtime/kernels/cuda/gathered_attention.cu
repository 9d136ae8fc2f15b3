// Gathered attention with online softmax. A warp processes one row; its lanes compute the scores of 32 keys
// at a time. It computes in fp32 without tensor cores and without shared memory. Formulas:
// runtime/kernels/reference/gathered_attention.cpp. Source: Dao et al. 2022, arXiv:2205.14135, algorithms 1
// and 4.
#include "runtime/kernels/cuda/attention.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kGatheredWarps = 4;
constexpr int kGatheredThreads = kGatheredWarps * 32;
constexpr int kMostGatheredDim = 256;
constexpr int kMostGatheredChunks = kMostGatheredDim / 32;  // numbers of a row that a lane holds

/// The columns of a row that a lane holds: lane, lane + 32, lane + 64, …
struct Row {
  float at[kMostGatheredChunks] = {};

  template <class T>
  __device__ void add(float factor, const T* from, int dim, int lane) {
    for (int c = 0; c < kMostGatheredChunks; ++c) {
      if (c * 32 + lane < dim) at[c] += factor * to_float(from[c * 32 + lane]);
    }
  }
  template <class T>
  __device__ void add_to(T* to, int dim, int lane) const {
    for (int c = 0; c < kMostGatheredChunks; ++c) {
      if (c * 32 + lane < dim) set(to[c * 32 + lane], to_float(to[c * 32 + lane]) + at[c]);
    }
  }
};

template <class T>
struct Gathered {
  GatheredAttentionCall call;
  float scale;
  float* delta;  // (query rows, heads): Σ over columns of out·d_out

  __device__ static T* head_of(const HeadColumns& columns, std::int64_t row, std::int64_t head) {
    return reinterpret_cast<T*>(columns.x.data) + row * columns.row_width + columns.first_column +
           head * columns.head_stride;
  }
  __device__ T* out_of(const Buffer& buffer, std::int64_t row, std::int64_t head) const {
    return reinterpret_cast<T*>(buffer.data) + (row * call.heads + head) * call.v_head_dim;
  }
  __device__ float* lse(std::int64_t row, std::int64_t head) const {
    return reinterpret_cast<float*>(call.lse.data) + row * call.heads + head;
  }
  __device__ std::int64_t kv_head_of(std::int64_t head) const { return head / (call.heads / call.kv_heads); }

  __device__ float score(std::int64_t query, std::int64_t head, std::int64_t key) const {
    const T* const q = head_of(call.q, query, head);
    const T* const k = head_of(call.k, key, kv_head_of(head));
    float product = 0.0F;
    for (int c = 0; c < call.own_dim; ++c) product += to_float(q[c]) * to_float(k[c]);
    if (call.shared_dim > 0) {
      const T* const shared = head_of(call.shared_k, key, 0);
      for (int c = 0; c < call.shared_dim; ++c)
        product += to_float(q[call.own_dim + c]) * to_float(shared[c]);
    }
    return scale * product;
  }
  /// P and dS of a query and a key to which it attends.
  __device__ void gradients(std::int64_t query, std::int64_t head, std::int64_t key, float& p,
                            float& ds) const {
    p = __expf(score(query, head, key) - *lse(query, head));
    const T* const d_out = out_of(call.d_out, query, head);
    const T* const v = head_of(call.v, key, kv_head_of(head));
    float product = 0.0F;
    for (int c = 0; c < call.v_head_dim; ++c) product += to_float(d_out[c]) * to_float(v[c]);
    ds = scale * p * (product - delta[query * call.heads + head]);
  }
  /// The keys to which a query attends.
  __device__ PositionRange keys_of(const TokenRows::Place& query) const {
    return call.mask.keys_of(query, call.keys.sequence);
  }
};

/// The row that this warp processes.
__device__ std::int64_t warp_row() { return std::int64_t{blockIdx.x} * kGatheredWarps + threadIdx.x / 32; }
__device__ int lane_number() { return static_cast<int>(threadIdx.x) % 32; }

/// Block (x, y) computes the query rows from x·kGatheredWarps on of head y.
template <class T>
__global__ void __launch_bounds__(kGatheredThreads) gathered_forward(Gathered<T> of) {
  const GatheredAttentionCall& call = of.call;
  const std::int64_t row = warp_row();
  if (row >= call.queries.rows()) return;
  const std::int64_t head = blockIdx.y;
  const int lane = lane_number();
  const int dim = static_cast<int>(call.v_head_dim);
  const TokenRows::Place place = call.queries.place_of(row);
  const PositionRange keys = of.keys_of(place);
  Row out;
  float largest = -INFINITY;
  float sum = 0.0F;
  for (std::int64_t tile = keys.first; tile < keys.end; tile += 32) {
    const std::int64_t position = tile + lane;
    const bool seen = position < keys.end;
    const float score = seen ? of.score(row, head, call.keys.row_of({place.sequence, position})) : -INFINITY;
    const float new_largest = fmaxf(largest, warp_max(score));
    const float shrink = __expf(largest - new_largest);
    const float weight = seen ? __expf(score - new_largest) : 0.0F;
    largest = new_largest;
    sum = sum * shrink + warp_sum(weight);
    for (float& each : out.at) each *= shrink;
    for (int j = 0; j < 32 && tile + j < keys.end; ++j) {
      const float p = __shfl_sync(0xFFFFFFFFU, weight, j);
      const std::int64_t key = call.keys.row_of({place.sequence, tile + j});
      out.add(p, of.head_of(call.v, key, of.kv_head_of(head)), dim, lane);
    }
  }
  T* const to = of.out_of(call.out, row, head);
  for (int c = 0; c < kMostGatheredChunks; ++c) {
    if (c * 32 + lane < dim) set(to[c * 32 + lane], out.at[c] / sum);
  }
  if (lane == 0) *of.lse(row, head) = largest + logf(sum);
}

template <class T>
__global__ void __launch_bounds__(kGatheredThreads) gathered_row_products(Gathered<T> of) {
  const GatheredAttentionCall& call = of.call;
  const std::int64_t row = warp_row();
  if (row >= call.queries.rows()) return;
  const std::int64_t head = blockIdx.y;
  const T* const out = of.out_of(call.out, row, head);
  const T* const d_out = of.out_of(call.d_out, row, head);
  float sum = 0.0F;
  for (std::int64_t c = lane_number(); c < call.v_head_dim; c += 32)
    sum += to_float(out[c]) * to_float(d_out[c]);
  sum = warp_sum(sum);
  if (lane_number() == 0) of.delta[row * call.heads + head] = sum;
}

/// Block (x, y) computes dq of the query rows from x·kGatheredWarps on of head y.
template <class T>
__global__ void __launch_bounds__(kGatheredThreads) gathered_backward_queries(Gathered<T> of) {
  const GatheredAttentionCall& call = of.call;
  const std::int64_t row = warp_row();
  if (row >= call.queries.rows()) return;
  const std::int64_t head = blockIdx.y;
  const int lane = lane_number();
  const TokenRows::Place place = call.queries.place_of(row);
  const PositionRange keys = of.keys_of(place);
  Row own;
  Row shared;
  for (std::int64_t tile = keys.first; tile < keys.end; tile += 32) {
    float p = 0.0F;
    float slope = 0.0F;
    if (tile + lane < keys.end)
      of.gradients(row, head, call.keys.row_of({place.sequence, tile + lane}), p, slope);
    for (int j = 0; j < 32 && tile + j < keys.end; ++j) {
      const float ds = __shfl_sync(0xFFFFFFFFU, slope, j);
      const std::int64_t key = call.keys.row_of({place.sequence, tile + j});
      own.add(ds, of.head_of(call.k, key, of.kv_head_of(head)), static_cast<int>(call.own_dim), lane);
      if (call.shared_dim > 0)
        shared.add(ds, of.head_of(call.shared_k, key, 0), static_cast<int>(call.shared_dim), lane);
    }
  }
  T* const dq = of.head_of(call.dq, row, head);
  own.add_to(dq, static_cast<int>(call.own_dim), lane);
  if (call.shared_dim > 0) shared.add_to(dq + call.own_dim, static_cast<int>(call.shared_dim), lane);
}

/// Calls work(query, head, p, ds) on all lanes of the warp, for the queries of the heads first_head …
/// end_head − 1 in order. The lanes compute p and ds of 32 queries at a time; both are 0 if the query does
/// not attend to the key.
template <class T, class Work>
__device__ void for_each_query(const Gathered<T>& of, std::int64_t key, std::int64_t first_head,
                               std::int64_t end_head, const Work& work) {
  const GatheredAttentionCall& call = of.call;
  const TokenRows::Place place = call.keys.place_of(key);
  const PositionRange seeing = call.mask.queries_of(place, call.keys.sequence);
  const std::int64_t length = call.queries.share_length();
  for (std::int64_t head = first_head; head < end_head; ++head) {
    for (std::int64_t held = 0; held < call.queries.held; ++held) {
      const std::int64_t first = (held * call.queries.batch + place.sequence) * length;
      for (std::int64_t tile = 0; tile < length; tile += 32) {
        const std::int64_t query = first + tile + lane_number();
        float p = 0.0F;
        float slope = 0.0F;
        if (tile + lane_number() < length && seeing.contains(call.queries.place_of(query).position))
          of.gradients(query, head, key, p, slope);
        for (int j = 0; j < 32 && tile + j < length; ++j) {
          const float p_of = __shfl_sync(0xFFFFFFFFU, p, j);
          const float slope_of = __shfl_sync(0xFFFFFFFFU, slope, j);
          work(first + tile + j, head, p_of, slope_of);
        }
      }
    }
  }
}

/// Block (x, y) computes dk and dv of the key rows from x·kGatheredWarps on of kv head y.
template <class T>
__global__ void __launch_bounds__(kGatheredThreads) gathered_backward_keys(Gathered<T> of) {
  const GatheredAttentionCall& call = of.call;
  const std::int64_t key = warp_row();
  if (key >= call.keys.rows()) return;
  const std::int64_t kv_head = blockIdx.y;
  const std::int64_t group = call.heads / call.kv_heads;
  const int lane = lane_number();
  const int own = static_cast<int>(call.own_dim);
  const int dim = static_cast<int>(call.v_head_dim);
  Row dk;
  Row dv;
  for_each_query(of, key, kv_head * group, (kv_head + 1) * group,
                 [&](std::int64_t query, std::int64_t head, float p, float ds) {
                   dv.add(p, of.out_of(call.d_out, query, head), dim, lane);
                   dk.add(ds, of.head_of(call.q, query, head), own, lane);
                 });
  dk.add_to(of.head_of(call.dk, key, kv_head), own, lane);
  dv.add_to(of.head_of(call.dv, key, kv_head), dim, lane);
}

/// Block x computes d_shared_k of the key rows from x·kGatheredWarps on: a sum over all heads.
template <class T>
__global__ void __launch_bounds__(kGatheredThreads) gathered_backward_shared(Gathered<T> of) {
  const GatheredAttentionCall& call = of.call;
  const std::int64_t key = warp_row();
  if (key >= call.keys.rows()) return;
  const int lane = lane_number();
  const int dim = static_cast<int>(call.shared_dim);
  Row sum;
  for_each_query(of, key, 0, call.heads, [&](std::int64_t query, std::int64_t head, float /*p*/, float ds) {
    sum.add(ds, of.head_of(call.q, query, head) + call.own_dim, dim, lane);
  });
  sum.add_to(of.head_of(call.d_shared_k, key, 0), dim, lane);
}

template <class T>
void run_backward(Context& context, const Gathered<T>& of) {
  const GatheredAttentionCall& call = of.call;
  const dim3 queries(blocks_for(call.queries.rows(), kGatheredWarps), static_cast<unsigned>(call.heads));
  const unsigned keys = blocks_for(call.keys.rows(), kGatheredWarps);
  const char* const what = "gathered attention, backward";
  start(context, what, {queries, kGatheredThreads}, gathered_row_products<T>, of);
  start(context, what, {queries, kGatheredThreads}, gathered_backward_queries<T>, of);
  start(context, what, {dim3(keys, static_cast<unsigned>(call.kv_heads)), kGatheredThreads},
        gathered_backward_keys<T>, of);
  if (call.shared_dim > 0) start(context, what, {keys, kGatheredThreads}, gathered_backward_shared<T>, of);
}

}  // namespace

void run_own_attention(Context& context, const GatheredAttentionCall& call) {
  for (const std::int64_t dim : {call.own_dim, call.shared_dim, call.v_head_dim}) {
    if (dim > kMostGatheredDim) throw std::invalid_argument("attention: heads of more than 256 numbers");
  }
  const std::int64_t rows = call.queries.rows() * call.heads;
  if (rows * static_cast<std::int64_t>(sizeof(float)) > static_cast<std::int64_t>(Context::kScratchBytes))
    throw std::invalid_argument(
        "attention: more than 2^24 rows of heads in one call; use a smaller micro-batch");
  if (rows == 0) return;
  with_numbers(call.out, [&](auto* out) {
    using T = std::remove_pointer_t<decltype(out)>;
    const Gathered<T> of{call, 1.0F / sqrtf(static_cast<float>(call.key_dim())), context.scratch()};
    if (call.backward) return run_backward(context, of);
    start(context, "gathered attention",
          {dim3(blocks_for(call.queries.rows(), kGatheredWarps), static_cast<unsigned>(call.heads)),
           kGatheredThreads},
          gathered_forward<T>, of);
  });
}

}  // namespace foreshard::cuda
