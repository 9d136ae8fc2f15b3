// Choosing experts, and moving rows to expert order and back. Bytes per number of a routed row in bf16: 2
// read and 2 written in each direction. Formulas: runtime/kernels/reference/experts.cpp.
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kRouteThreads = 256;

template <class T>
struct Choice {
  std::int64_t tokens;
  int experts;
  int per_token;
  bool accumulate;
  const T* logits;
  float* routes;
  const float* d_routes;
  T* d_logits;
};

constexpr int kTokensOfBlock = kRouteThreads / 32;

/// A logit and its expert. Candidates are ordered by decreasing logit, of equal logits the lower expert
/// first, NaN last.
struct Candidate {
  float logit;
  float expert;  // below 2^24; negative: no candidate

  __device__ bool is_one() const { return expert >= 0.0F; }
  __device__ bool comes_before(const Candidate& other) const {
    if (!is_one() || !other.is_one()) return is_one();
    const bool is_number = logit == logit;
    if (is_number != (other.logit == other.logit)) return is_number;
    if (is_number && logit != other.logit) return logit > other.logit;
    return expert < other.expert;
  }
};

/// The first candidate after `last` in that order, on all lanes. Each lane searches every 32nd expert.
template <class T>
__device__ Candidate next_of(const T* logits, int experts, const Candidate& last) {
  Candidate best{0.0F, -1.0F};
  for (int expert = static_cast<int>(threadIdx.x) % 32; expert < experts; expert += 32) {
    const Candidate each{to_float(logits[expert]), static_cast<float>(expert)};
    if ((!last.is_one() || last.comes_before(each)) && each.comes_before(best)) best = each;
  }
  for (int step = 16; step > 0; step /= 2) {
    const Candidate other{__shfl_xor_sync(0xFFFFFFFFU, best.logit, step),
                          __shfl_xor_sync(0xFFFFFFFFU, best.expert, step)};
    if (other.comes_before(best)) best = other;
  }
  return best;
}

/// One warp per token.
template <class T>
__global__ void __launch_bounds__(kRouteThreads) choose(Choice<T> of) {
  const std::int64_t token = std::int64_t{blockIdx.x} * kTokensOfBlock + threadIdx.x / 32;
  if (token >= of.tokens) return;
  const T* const logits = of.logits + token * of.experts;
  float* const chosen = of.routes + token * 2 * of.per_token;
  float* const weights = chosen + of.per_token;
  const bool writes = threadIdx.x % 32 == 0;
  float sum = 0.0F;
  float largest = 0.0F;
  Candidate last{0.0F, -1.0F};
  for (int i = 0; i < of.per_token; ++i) {
    last = next_of(logits, of.experts, last);
    if (i == 0) largest = last.logit;
    const float weight = expf(last.logit - largest);
    sum += weight;
    if (!writes) continue;
    chosen[i] = last.expert;
    weights[i] = weight;
  }
  if (!writes) return;
  for (int i = 0; i < of.per_token; ++i) weights[i] /= sum;
}

/// One warp per token. The lane that sets a gradient to zero is also the one that adds to it.
template <class T>
__global__ void __launch_bounds__(kRouteThreads) choose_backward(Choice<T> of) {
  const std::int64_t token = std::int64_t{blockIdx.x} * kTokensOfBlock + threadIdx.x / 32;
  if (token >= of.tokens) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const float* const chosen = of.routes + token * 2 * of.per_token;
  const float* const weights = chosen + of.per_token;
  const float* const d_weights = of.d_routes + token * 2 * of.per_token + of.per_token;
  T* const d_logits = of.d_logits + token * of.experts;
  float mean = 0.0F;
  for (int i = 0; i < of.per_token; ++i) mean += weights[i] * d_weights[i];
  if (!of.accumulate) {
    for (int expert = lane; expert < of.experts; expert += 32) set(d_logits[expert], 0.0F);
  }
  for (int i = 0; i < of.per_token; ++i) {
    // If the operation is timed alone, outside a step, the routes may be arbitrary numbers.
    if (!(chosen[i] >= 0.0F && chosen[i] < static_cast<float>(of.experts))) continue;
    const int expert = static_cast<int>(chosen[i]);
    if (expert % 32 != lane) continue;
    set(d_logits[expert], to_float(d_logits[expert]) + weights[i] * (d_weights[i] - mean));
  }
}

template <class T>
struct Permutation {
  int per_token;
  std::int64_t width;
  bool accumulate;
  const std::int64_t* places;  // of this call's tokens
  T* token_rows;
  T* expert_rows;
  const float* routes;
  T* d_expert_rows;
  float* d_routes;

  __device__ T* token_row() const { return token_rows + std::int64_t{blockIdx.x} * width; }
  __device__ std::int64_t place(int choice) const {
    return places[std::int64_t{blockIdx.x} * per_token + choice] * width;
  }
  __device__ float weight(int choice) const {
    return routes[(std::int64_t{blockIdx.x} * 2 + 1) * per_token + choice];
  }
};

// One block per token.
template <int N, class T>
__global__ void __launch_bounds__(kRouteThreads) send_rows(Permutation<T> of) {
  for (std::int64_t c = std::int64_t{threadIdx.x} * N; c < of.width; c += kRouteThreads * N) {
    const Floats<N> numbers = load<N>(of.token_row() + c);
    for (int i = 0; i < of.per_token; ++i) store<N>(of.expert_rows + of.place(i) + c, numbers);
  }
}

template <int N, bool kWeighted, class T>
__global__ void __launch_bounds__(kRouteThreads) sum_rows(Permutation<T> of) {
  for (std::int64_t c = std::int64_t{threadIdx.x} * N; c < of.width; c += kRouteThreads * N) {
    Floats<N> sum = of.accumulate ? load<N>(of.token_row() + c) : Floats<N>{};
    for (int i = 0; i < of.per_token; ++i) {
      const Floats<N> numbers = load<N>(of.expert_rows + of.place(i) + c);
      const float weight = kWeighted ? of.weight(i) : 1.0F;
      for (int j = 0; j < N; ++j) sum.at[j] += weight * numbers.at[j];
    }
    store<N>(of.token_row() + c, sum);
  }
}

template <int N, class T>
__global__ void __launch_bounds__(kRouteThreads) combine_backward(Permutation<T> of) {
  __shared__ float shared[32];
  for (int i = 0; i < of.per_token; ++i) {
    const std::int64_t place = of.place(i);
    const float weight = of.weight(i);
    float product = 0.0F;
    for (std::int64_t c = std::int64_t{threadIdx.x} * N; c < of.width; c += kRouteThreads * N) {
      Floats<N> gradient = load<N>(of.token_row() + c);
      const Floats<N> numbers = load<N>(of.expert_rows + place + c);
      for (int j = 0; j < N; ++j) {
        product += numbers.at[j] * gradient.at[j];
        gradient.at[j] *= weight;
      }
      store<N>(of.d_expert_rows + place + c, gradient);
    }
    product = block_sum(product, shared);
    if (threadIdx.x != 0) continue;
    float* const d_routes = of.d_routes + std::int64_t{blockIdx.x} * 2 * of.per_token;
    d_routes[i] = 0.0F;
    d_routes[of.per_token + i] = product;
  }
}

template <int N, class T>
auto kernel_of(const PermuteCall& call) {
  if (call.weighted && call.backward) return &combine_backward<N, T>;
  if (!call.weighted && !call.backward) return &send_rows<N, T>;
  return call.weighted ? &sum_rows<N, true, T> : &sum_rows<N, false, T>;
}

}  // namespace

void run(Context& context, const RouteCall& call) {
  if (call.tokens == 0) return;
  with_numbers(call.backward ? call.d_logits : call.logits, [&](auto* numbers) {
    using T = std::remove_pointer_t<decltype(numbers)>;
    const Choice<T> of{.tokens = call.tokens,
                       .experts = static_cast<int>(call.experts),
                       .per_token = static_cast<int>(call.per_token),
                       .accumulate = call.accumulate,
                       .logits = reinterpret_cast<const T*>(call.logits.data),
                       .routes = floats(call.routes),
                       .d_routes = floats(call.d_routes),
                       .d_logits = reinterpret_cast<T*>(call.d_logits.data)};
    start(context, "a choice of experts", {blocks_for(call.tokens, kTokensOfBlock), kRouteThreads},
          call.backward ? choose_backward<T> : choose<T>, of);
  });
}

void run(Context& context, const PermuteCall& call) {
  const std::int64_t choices = call.tokens * call.per_token;
  if (choices == 0) return;
  const std::size_t bytes = static_cast<std::size_t>(choices) * sizeof(std::int64_t);
  if (bytes > Context::kScratchBytes)
    throw std::invalid_argument("experts: more than 2^23 choices in one call; use a smaller micro-batch");
  auto* const places = reinterpret_cast<std::int64_t*>(context.scratch());
  // The source is pageable memory, so it has been read when this call returns.
  check_cuda(cudaMemcpyAsync(places, call.places->data() + call.first_token * call.per_token, bytes,
                             cudaMemcpyHostToDevice, context.stream()),
             "cudaMemcpyAsync of places");
  const bool packed = are_packed({call.token_rows, call.expert_rows, call.d_expert_rows}, call.width);
  with_numbers(call.token_rows, [&](auto* token_rows) {
    using T = std::remove_pointer_t<decltype(token_rows)>;
    const Permutation<T> of{.per_token = static_cast<int>(call.per_token),
                            .width = call.width,
                            .accumulate = call.accumulate,
                            .places = places,
                            .token_rows = token_rows,
                            .expert_rows = reinterpret_cast<T*>(call.expert_rows.data),
                            .routes = floats(call.routes),
                            .d_expert_rows = reinterpret_cast<T*>(call.d_expert_rows.data),
                            .d_routes = floats(call.d_routes)};
    start(context, "rows ordered by expert", {static_cast<unsigned>(call.tokens), kRouteThreads},
          packed ? kernel_of<kPack, T>(call) : kernel_of<1, T>(call), of);
  });
}

}  // namespace foreshard::cuda
