// gradient, master, m, v, weight (elements): each is read and written once
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/numbers.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

FORESHARD_INLINE float adam_direction(const UpdateFactors& f, float g, float* m, float* v) {
  *m = f.beta1 * *m + (1.0F - f.beta1) * g;
  *v = f.beta2 * *v + (1.0F - f.beta2) * g * g;
  return *m * f.unbias1 / (__builtin_sqrtf(*v * f.unbias2) + f.epsilon);
}

template <class G, class W>
FORESHARD_INLINE void adam(const UpdateCall& call, const UpdateFactors& f, Range range) {
  const G* gradient = as<const G>(call.gradient);
  float* m = as<float>(call.m);
  float* v = as<float>(call.v);
  W* weight = as<W>(call.weight);
  float* master = as<float>(call.master);
  if (master == nullptr) {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const float direction = adam_direction(f, f.clip * number(gradient[i]), m + i, v + i);
      const float before = number(weight[i]);
      put(weight[i], before - f.rate * (direction + f.decay * before));
    }
  } else {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const float direction = adam_direction(f, f.clip * number(gradient[i]), m + i, v + i);
      const float updated = master[i] - f.rate * (direction + f.decay * master[i]);
      master[i] = updated;
      put(weight[i], updated);
    }
  }
}

template <class W, class G, class Kept>
FORESHARD_INLINE void descend(W* weight, Kept* kept, const G* gradient, const UpdateFactors& f, Range range) {
  const float rate = f.rate * f.clip;
#pragma omp simd
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const float updated = number(kept[i]) - rate * number(gradient[i]);
    put(kept[i], updated);
    put(weight[i], updated);
  }
}

template <class G, class W>
void update_as(const UpdateCall& call, const UpdateFactors& f, Range range) {
  if (call.kind != OptimizerKind::sgd) return adam<G, W>(call, f, range);
  W* weight = as<W>(call.weight);
  const G* gradient = as<const G>(call.gradient);
  float* master = as<float>(call.master);
  master == nullptr ? descend(weight, weight, gradient, f, range)
                    : descend(weight, master, gradient, f, range);
}

}  // namespace

void update(const UpdateCall& call, const UpdateFactors& factors, Range elements) {
  const UpdateFactors f = factors;  // a local copy: the compiler knows that no store changes it
  if (is_bf16(call.gradient)) {
    is_bf16(call.weight) ? update_as<BFloat16, BFloat16>(call, f, elements)
                         : update_as<BFloat16, float>(call, f, elements);
  } else {
    is_bf16(call.weight) ? update_as<float, BFloat16>(call, f, elements)
                         : update_as<float, float>(call, f, elements);
  }
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
