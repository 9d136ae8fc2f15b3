// gradient, master, m, v, weight (elements): each is read and written once
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

FORESHARD_INLINE float adam_direction(const UpdateFactors& f, float g, float* m, float* v) {
  *m = f.beta1 * *m + (1.0F - f.beta1) * g;
  *v = f.beta2 * *v + (1.0F - f.beta2) * g * g;
  return *m * f.unbias1 / (__builtin_sqrtf(*v * f.unbias2) + f.epsilon);
}

FORESHARD_INLINE void adam(const UpdateCall& call, const UpdateFactors& f, Range range) {
  const float* gradient = as<const float>(call.gradient);
  float* m = as<float>(call.m);
  float* v = as<float>(call.v);
  float* weight = as<float>(call.weight);
  float* master = as<float>(call.master);
  if (master == nullptr) {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const float direction = adam_direction(f, f.clip * gradient[i], m + i, v + i);
      weight[i] -= f.rate * (direction + f.decay * weight[i]);
    }
  } else {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const float direction = adam_direction(f, f.clip * gradient[i], m + i, v + i);
      const float updated = master[i] - f.rate * (direction + f.decay * master[i]);
      master[i] = updated;
      weight[i] = updated;
    }
  }
}

FORESHARD_INLINE void descend(const UpdateCall& call, const UpdateFactors& f, Range range) {
  const float* gradient = as<const float>(call.gradient);
  float* weight = as<float>(call.weight);
  float* kept = call.master.elements == 0 ? weight : as<float>(call.master);
  const float rate = f.rate * f.clip;
#pragma omp simd
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const float updated = kept[i] - rate * gradient[i];
    kept[i] = updated;
    weight[i] = updated;
  }
}

}  // namespace

void update(const UpdateCall& call, const UpdateFactors& factors, Range elements) {
  const UpdateFactors f = factors;  // a copy, which no store can change
  if (call.kind == OptimizerKind::sgd) return descend(call, f, elements);
  adam(call, f, elements);
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
