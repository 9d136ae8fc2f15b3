// Bytes per weight of AdamW with fp32 master weights, bf16 weights and fp32 gradients: 16 read, 14 written.
#include <cmath>

#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kThreads = 256;

template <class G, class W>
struct Update {
  const G* gradient;
  const float* grad_norm;
  float* master;  // or null
  float* m;       // null: stochastic gradient descent
  float* v;
  W* weight;
  float rate;
  float beta1;
  float beta2;
  float epsilon;
  float decay;
  float clip_norm;
  float correct_m;  // 1/(1 − β1ᵗ)
  float correct_v;
};

template <int N, class G, class W>
__device__ void update(const Update<G, W>& of, float clip, std::int64_t i) {
  Floats<N> g = load<N>(of.gradient + i);
  Floats<N> kept = of.master != nullptr ? load<N>(of.master + i) : load<N>(of.weight + i);
  for (int j = 0; j < N; ++j) g.at[j] *= clip;
  if (of.m == nullptr) {
    for (int j = 0; j < N; ++j) kept.at[j] -= of.rate * g.at[j];
  } else {
    Floats<N> m = load<N>(of.m + i);
    Floats<N> v = load<N>(of.v + i);
    for (int j = 0; j < N; ++j) {
      m.at[j] = of.beta1 * m.at[j] + (1.0F - of.beta1) * g.at[j];
      v.at[j] = of.beta2 * v.at[j] + (1.0F - of.beta2) * g.at[j] * g.at[j];
      const float direction = m.at[j] * of.correct_m / (sqrtf(v.at[j] * of.correct_v) + of.epsilon);
      kept.at[j] -= of.rate * (direction + of.decay * kept.at[j]);
    }
    store<N>(of.m + i, m);
    store<N>(of.v + i, v);
  }
  if (of.master != nullptr) store<N>(of.master + i, kept);
  store<N>(of.weight + i, kept);
}

template <int N, class G, class W>
__global__ void __launch_bounds__(kThreads) update_all(Update<G, W> of, std::int64_t elements) {
  const float norm = sqrtf(*of.grad_norm);
  const float clip = norm > 0.0F ? fminf(1.0F, of.clip_norm / norm) : 1.0F;
  const std::int64_t i = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) * N;
  if (i + N <= elements) {
    update<N>(of, clip, i);
  } else {
    for (std::int64_t j = i; j < elements; ++j) update<1>(of, clip, j);
  }
}

template <class G, class W>
Update<G, W> update_of(const UpdateCall& call, const G* gradient, W* weight) {
  const OptimizerStep& step = *call.step;
  const auto steps = static_cast<double>(step.step);
  const bool is_plain = call.kind == OptimizerKind::sgd;
  return {.gradient = gradient,
          .grad_norm = floats(call.grad_norm),
          .master = floats(call.master),
          .m = is_plain ? nullptr : floats(call.m),
          .v = is_plain ? nullptr : floats(call.v),
          .weight = weight,
          .rate = static_cast<float>(step.learning_rate),
          .beta1 = static_cast<float>(step.beta1),
          .beta2 = static_cast<float>(step.beta2),
          .epsilon = static_cast<float>(step.epsilon),
          .decay = call.kind == OptimizerKind::adamw ? static_cast<float>(step.weight_decay) : 0.0F,
          .clip_norm = static_cast<float>(step.clip_norm),
          .correct_m = static_cast<float>(1.0 / (1.0 - std::pow(step.beta1, steps))),
          .correct_v = static_cast<float>(1.0 / (1.0 - std::pow(step.beta2, steps)))};
}

}  // namespace

void run(Context& context, const UpdateCall& call) {
  if (call.elements == 0) return;
  const bool packed = are_packed({call.gradient, call.master, call.m, call.v, call.weight}, kPack);
  with_numbers(call.gradient, [&](auto* gradient) {
    with_numbers(call.weight, [&](auto* weight) {
      using G = std::remove_pointer_t<decltype(gradient)>;
      using W = std::remove_pointer_t<decltype(weight)>;
      const Update<G, W> of = update_of<G, W>(call, gradient, weight);
      if (packed) {
        start(context, "an optimizer update", {blocks_for(call.elements, kThreads * kPack), kThreads},
              update_all<kPack, G, W>, of, call.elements);
      } else {
        start(context, "an optimizer update", {blocks_for(call.elements, kThreads), kThreads},
              update_all<1, G, W>, of, call.elements);
      }
    });
  });
}

}  // namespace foreshard::cuda
