// Bytes per weight of AdamW with fp32 master weights, bf16 weights and fp32 gradients: 16 read, 14 written; with
// 8-bit moments 10 read, 8 written.
#include <cmath>

#include "runtime/device/moment_codes.hpp"
#include "runtime/device/remainder.hpp"
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kUpdateThreads = 256;
static_assert(kUpdateThreads == kElementsPerScale, "a block of threads updates a block of 8-bit moments");

/// The operands that every update has, and its factors in fp32.
template <class G, class W>
struct Update {
  const G* gradient;
  const float* grad_norm;
  float* master;             // or null
  std::uint16_t* remainder;  // of a bf16 weight's master, or null
  W* weight;
  OptimizerKind kind;
  float rate;
  float beta1;
  float beta2;
  float epsilon;
  float decay;
  float clip_norm;
  float correct_m;  // 1/(1 − β1ᵗ)
  float correct_v;
  float momentum;
  float scale;  // of Muon's iterate
  RandomRounding rounding;
  std::uint64_t rounding_seed;

  [[nodiscard]] __device__ float clip() const {
    const float norm = sqrtf(*grad_norm);
    return norm > 0.0F ? fminf(1.0F, clip_norm / norm) : 1.0F;
  }
};

/// The moments of an update; null where the optimizer has none.
template <class M>
struct Moments {
  M* m;
  M* v;
};

template <int N>
struct Numbers {
  Floats<N> g;
  Floats<N> m;
  Floats<N> v;
  Floats<N> w;
};

template <int N, class G, class W>
__device__ void step(const Update<G, W>& of, Numbers<N>& n) {
  for (int j = 0; j < N; ++j) {
    if (of.kind == OptimizerKind::sgd) {
      n.w.at[j] -= of.rate * n.g.at[j];
    } else if (of.kind == OptimizerKind::lion) {
      const float mixed = of.beta1 * n.m.at[j] + (1.0F - of.beta1) * n.g.at[j];
      const float sign = static_cast<float>(mixed > 0.0F) - static_cast<float>(mixed < 0.0F);
      n.w.at[j] -= of.rate * (sign + of.decay * n.w.at[j]);
      n.m.at[j] = of.beta2 * n.m.at[j] + (1.0F - of.beta2) * n.g.at[j];
    } else {
      n.m.at[j] = of.beta1 * n.m.at[j] + (1.0F - of.beta1) * n.g.at[j];
      n.v.at[j] = of.beta2 * n.v.at[j] + (1.0F - of.beta2) * n.g.at[j] * n.g.at[j];
      const float direction = n.m.at[j] * of.correct_m / (sqrtf(n.v.at[j] * of.correct_v) + of.epsilon);
      n.w.at[j] -= of.rate * (direction + of.decay * n.w.at[j]);
    }
  }
}

// ---- weights

/// Weights in bf16 and what they lack of their masters.
template <int N, class G, class W>
__device__ Floats<N> load_split(const Update<G, W>& of, std::int64_t i) {
  Floats<N> kept;
  const auto* upper = reinterpret_cast<const std::uint16_t*>(of.weight);
  for (int j = 0; j < N; ++j)
    kept.at[j] = __builtin_bit_cast(float, SplitNumber{upper[i + j], of.remainder[i + j]}.whole());
  return kept;
}
template <int N, class G, class W>
__device__ void store_split(const Update<G, W>& of, std::int64_t i, const Floats<N>& kept) {
  auto* upper = reinterpret_cast<std::uint16_t*>(of.weight);
  for (int j = 0; j < N; ++j) {
    const SplitNumber split = SplitNumber::of(__builtin_bit_cast(std::uint32_t, kept.at[j]));
    upper[i + j] = split.upper;
    of.remainder[i + j] = split.remainder;
  }
}

template <int N, class G, class W>
__device__ Floats<N> load_weights(const Update<G, W>& of, std::int64_t i) {
  if constexpr (sizeof(W) == 2) {
    if (of.remainder != nullptr) return load_split<N>(of, i);
  }
  return of.master != nullptr ? load<N>(of.master + i) : load<N>(of.weight + i);
}

/// Adds random bits to those that bf16 cuts off.
template <class G, class W>
__device__ float rounded(const Update<G, W>& of, float value, std::int64_t i) {
  const std::uint32_t whole = __builtin_bit_cast(std::uint32_t, value);
  if ((whole & 0x7F800000U) == 0x7F800000U) return value;
  const std::uint32_t more = rounding_bits(of.rounding_seed, of.rounding.place(i));
  return __builtin_bit_cast(float, (whole + more) & 0xFFFF0000U);
}

template <int N, class G, class W>
__device__ void store_weights(const Update<G, W>& of, std::int64_t i, Floats<N> kept) {
  if constexpr (sizeof(W) == 2) {
    if (of.remainder != nullptr) return store_split<N>(of, i, kept);
  }
  if (of.master != nullptr) store<N>(of.master + i, kept);
  if (of.rounding.on && sizeof(W) == 2) {
    for (int j = 0; j < N; ++j) kept.at[j] = rounded(of, kept.at[j], i + j);
  }
  store<N>(of.weight + i, kept);
}

// ---- kernels

template <int N, class G, class W, class M>
__device__ void update(const Update<G, W>& of, const Moments<M>& moments, float clip, std::int64_t i) {
  Numbers<N> n;
  n.g = load<N>(of.gradient + i);
  for (int j = 0; j < N; ++j) n.g.at[j] *= clip;
  n.w = load_weights<N>(of, i);
  if (moments.m != nullptr) n.m = load<N>(moments.m + i);
  if (moments.v != nullptr) n.v = load<N>(moments.v + i);
  step<N>(of, n);
  if (moments.m != nullptr) store<N>(moments.m + i, n.m);
  if (moments.v != nullptr) store<N>(moments.v + i, n.v);
  store_weights<N>(of, i, n.w);
}

template <int N, class G, class W, class M>
__global__ void __launch_bounds__(kUpdateThreads)
    update_all(Update<G, W> of, Moments<M> moments, std::int64_t elements) {
  const float clip = of.clip();
  const std::int64_t i = (std::int64_t{blockIdx.x} * kUpdateThreads + threadIdx.x) * N;
  if (i + N <= elements) {
    update<N>(of, moments, clip, i);
  } else {
    for (std::int64_t j = i; j < elements; ++j) update<1>(of, moments, clip, j);
  }
}

/// Muon's momentum: gradients to iterates.
template <class G, class M, class I>
__global__ void __launch_bounds__(kUpdateThreads)
    make_iterates(Update<G, float> of, M* m, I* iterate, std::int64_t elements) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kUpdateThreads + threadIdx.x;
  if (i >= elements) return;
  const float g = of.clip() * to_float(of.gradient[i]);
  const float mean = of.momentum * to_float(m[i]) + g;
  set(m[i], mean);
  set(iterate[i], g + of.momentum * mean);
}

/// Muon's update: iterates to weights.
template <class I, class W>
__global__ void __launch_bounds__(kUpdateThreads)
    apply_iterates(Update<float, W> of, const I* iterate, std::int64_t elements) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kUpdateThreads + threadIdx.x;
  if (i >= elements) return;
  Floats<1> kept = load_weights<1>(of, i);
  kept.at[0] -= of.rate * (of.scale * to_float(iterate[i]) + of.decay * kept.at[0]);
  store_weights<1>(of, i, kept);
}

// ---- 8-bit moments: one block of threads for each block of 256 elements

struct Codes {
  float numbers[256];
  float halfway[255];
};

struct CodedMoment {
  std::uint8_t* codes;
  float* scales;
};

__device__ inline std::uint8_t code_of(float x, const Codes& table) {
  int code = 0;
  for (int step = 128; step > 0; step /= 2) code += table.halfway[code + step - 1] < x ? step : 0;
  if (x < 0.0F && table.numbers[code] == 0.0F) --code;  // a small negative number keeps its sign
  return static_cast<std::uint8_t>(code);
}

/// Encodes one number of each thread. All threads of the block must call it; `shared` has 32 numbers.
__device__ inline void encode(const CodedMoment& moment, const Codes& table, float number, std::int64_t i,
                              bool is_inside, float* shared) {
  const float largest = block_max(is_inside ? fabsf(number) : 0.0F, shared);
  if (threadIdx.x == 0) moment.scales[blockIdx.x] = largest;
  if (is_inside) moment.codes[i] = code_of(largest > 0.0F ? number / largest : 0.0F, table);
}

template <class G, class W>
__global__ void __launch_bounds__(kUpdateThreads)
    update_coded(Update<G, W> of, CodedMoment m, CodedMoment v, Codes first, Codes second,
                 std::int64_t elements) {
  float* shared = dynamic_shared();
  const std::int64_t i = std::int64_t{blockIdx.x} * kUpdateThreads + threadIdx.x;
  const bool is_inside = i < elements;
  Numbers<1> n{};
  if (is_inside) {
    n.g.at[0] = of.clip() * to_float(of.gradient[i]);
    n.w = load_weights<1>(of, i);
    n.m.at[0] = m.scales[blockIdx.x] * first.numbers[m.codes[i]];
    n.v.at[0] = v.scales[blockIdx.x] * second.numbers[v.codes[i]];
    step<1>(of, n);
    store_weights<1>(of, i, n.w);
  }
  __syncthreads();  // all threads have read the scales
  encode(m, first, n.m.at[0], i, is_inside, shared);
  encode(v, second, n.v.at[0], i, is_inside, shared);
}

Codes codes_of(const MomentCodes& from) {
  Codes codes;
  for (int i = 0; i < 256; ++i) codes.numbers[i] = static_cast<float>(from.numbers[i]);
  for (int i = 0; i < 255; ++i) codes.halfway[i] = static_cast<float>(from.halfway[i]);
  return codes;
}

// ---- the host's side

template <class G, class W>
Update<G, W> update_of(const UpdateCall& call, const G* gradient, W* weight) {
  const OptimizerStep& step = *call.step;
  const auto steps = static_cast<double>(step.step);
  const bool decays = call.kind != OptimizerKind::adam && call.kind != OptimizerKind::sgd;
  return {.gradient = gradient,
          .grad_norm = floats(call.grad_norm),
          .master = call.keeps_remainder ? nullptr : floats(call.master),
          .remainder = call.keeps_remainder ? reinterpret_cast<std::uint16_t*>(call.master.data) : nullptr,
          .weight = weight,
          .kind = call.kind,
          .rate = static_cast<float>(step.learning_rate),
          .beta1 = static_cast<float>(step.beta1),
          .beta2 = static_cast<float>(step.beta2),
          .epsilon = static_cast<float>(step.epsilon),
          .decay = decays ? static_cast<float>(step.weight_decay) : 0.0F,
          .clip_norm = static_cast<float>(step.clip_norm),
          .correct_m = static_cast<float>(1.0 / (1.0 - std::pow(step.beta1, steps))),
          .correct_v = static_cast<float>(1.0 / (1.0 - std::pow(step.beta2, steps))),
          .momentum = static_cast<float>(step.momentum),
          .scale = static_cast<float>(call.scale),
          .rounding = call.rounding,
          .rounding_seed = call.rounding.seed(step.step)};
}

template <class G, class W, class M>
void run_plain(Context& context, const UpdateCall& call, const Update<G, W>& of, const Moments<M>& moments) {
  const bool packed = are_packed({call.gradient, call.master, call.m, call.v, call.weight}, kPack);
  if (packed) {
    start(context, "an optimizer update", {blocks_for(call.elements, kUpdateThreads * kPack), kUpdateThreads},
          update_all<kPack, G, W, M>, of, moments, call.elements);
  } else {
    start(context, "an optimizer update", {blocks_for(call.elements, kUpdateThreads), kUpdateThreads},
          update_all<1, G, W, M>, of, moments, call.elements);
  }
}

template <class G, class W>
void run_coded(Context& context, const UpdateCall& call, const Update<G, W>& of) {
  static const Codes first = codes_of(moment_codes(true));
  static const Codes second = codes_of(moment_codes(false));
  const auto coded = [](const Buffer& codes, const Buffer& scales) {
    return CodedMoment{reinterpret_cast<std::uint8_t*>(codes.data), floats(scales)};
  };
  start(context, "an optimizer update",
        {blocks_for(call.elements, kUpdateThreads), kUpdateThreads, 32 * sizeof(float)}, update_coded<G, W>,
        of, coded(call.m, call.m_scale), coded(call.v, call.v_scale), first, second, call.elements);
}

template <class G, class W>
void run_update(Context& context, const UpdateCall& call, const Update<G, W>& of) {
  if (call.kind == OptimizerKind::sgd) return run_plain(context, call, of, Moments<float>{nullptr, nullptr});
  if (call.is_8bit()) return run_coded(context, call, of);
  with_numbers(call.m, [&](auto* m) {
    using M = std::remove_pointer_t<decltype(m)>;
    M* v = call.v.empty() ? nullptr : reinterpret_cast<M*>(call.v.data);
    run_plain(context, call, of, Moments<M>{m, v});
  });
}

void run_muon(Context& context, const UpdateCall& call) {
  const LaunchShape shape{blocks_for(call.elements, kUpdateThreads), kUpdateThreads};
  with_numbers(call.iterate, [&](auto* iterate) {
    using I = std::remove_pointer_t<decltype(iterate)>;
    if (call.gradient.empty()) {
      with_numbers(call.weight, [&](auto* weight) {
        using W = std::remove_pointer_t<decltype(weight)>;
        start(context, "an optimizer update", shape, apply_iterates<I, W>,
              update_of<float, W>(call, nullptr, weight), iterate, call.elements);
      });
      return;
    }
    with_numbers(call.gradient, [&](auto* gradient) {
      with_numbers(call.m, [&](auto* m) {
        using G = std::remove_pointer_t<decltype(gradient)>;
        using M = std::remove_pointer_t<decltype(m)>;
        start(context, "Muon's momentum", shape, make_iterates<G, M, I>,
              update_of<G, float>(call, gradient, nullptr), m, iterate, call.elements);
      });
    });
  });
}

}  // namespace

void run(Context& context, const UpdateCall& call) {
  if (call.elements == 0) return;
  if (call.kind == OptimizerKind::muon) return run_muon(context, call);
  with_numbers(call.gradient, [&](auto* gradient) {
    with_numbers(call.weight, [&](auto* weight) {
      using G = std::remove_pointer_t<decltype(gradient)>;
      using W = std::remove_pointer_t<decltype(weight)>;
      run_update(context, call, update_of<G, W>(call, gradient, weight));
    });
  });
}

}  // namespace foreshard::cuda
