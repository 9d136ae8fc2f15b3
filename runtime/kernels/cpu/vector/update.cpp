// gradient, master, m, v, iterate, weight (elements): each is read and written once. A block of elements is read
// into fp32 numbers, updated, and stored in the operands' dtypes. A block of 8-bit moments has one scale.
#include "runtime/device/remainder.hpp"
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/numbers.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

constexpr std::int64_t kBlock = 256;

/// One block in fp32, and where it begins.
struct Numbers {
  float g[kBlock];
  float m[kBlock];
  float v[kBlock];
  float w[kBlock];
  std::int64_t first;
  std::int64_t count;
};

template <class T>
FORESHARD_INLINE void read_as(float* to, const T* from, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) to[i] = number(from[i]);
}
template <class T>
FORESHARD_INLINE void write_as(T* to, const float* from, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) put(to[i], from[i]);
}

FORESHARD_INLINE void read_numbers(float* to, const Buffer& from, const Numbers& at) {
  is_bf16(from) ? read_as(to, as<const BFloat16>(from) + at.first, at.count)
                : read_as(to, as<const float>(from) + at.first, at.count);
}
FORESHARD_INLINE void write_numbers(const Buffer& to, const float* from, const Numbers& at) {
  is_bf16(to) ? write_as(as<BFloat16>(to) + at.first, from, at.count)
              : write_as(as<float>(to) + at.first, from, at.count);
}

// ---- moments

FORESHARD_INLINE void read_moment(float* to, const Buffer& from, const Buffer& scales, const float* numbers,
                                  const Numbers& at) {
  if (from.type != DType::uint8) return read_numbers(to, from, at);
  const auto* codes = as<const std::uint8_t>(from) + at.first;
  const float scale = as<const float>(scales)[at.first / kBlock];
  for (std::int64_t i = 0; i < at.count; ++i) to[i] = scale * numbers[codes[i]];
}

/// The code of the number nearest to x. A small negative number keeps its sign.
FORESHARD_INLINE std::uint8_t code_of(float x, const CodeTable& table) {
  int code = 0;
  for (int step = 128; step > 0; step /= 2) code += table.halfway[code + step - 1] < x ? step : 0;
  if (x < 0.0F && table.numbers[code] == 0.0F) --code;
  return static_cast<std::uint8_t>(code);
}

FORESHARD_INLINE void write_moment(const Buffer& to, const Buffer& scales, const float* from,
                                   const CodeTable& table, const Numbers& at) {
  if (to.type != DType::uint8) return write_numbers(to, from, at);
  float largest = 0.0F;
  for (std::int64_t i = 0; i < at.count; ++i) {
    const float magnitude = from[i] < 0.0F ? -from[i] : from[i];
    largest = magnitude > largest ? magnitude : largest;
  }
  as<float>(scales)[at.first / kBlock] = largest;
  auto* codes = as<std::uint8_t>(to) + at.first;
  for (std::int64_t i = 0; i < at.count; ++i)
    codes[i] = code_of(largest > 0.0F ? from[i] / largest : 0.0F, table);
}

// ---- optimizers

FORESHARD_INLINE void adam(Numbers& of, const UpdateFactors& f) {
#pragma omp simd
  for (std::int64_t i = 0; i < of.count; ++i) {
    of.m[i] = f.beta1 * of.m[i] + (1.0F - f.beta1) * of.g[i];
    of.v[i] = f.beta2 * of.v[i] + (1.0F - f.beta2) * of.g[i] * of.g[i];
    const float direction = of.m[i] * f.unbias1 / (__builtin_sqrtf(of.v[i] * f.unbias2) + f.epsilon);
    of.w[i] -= f.rate * (direction + f.decay * of.w[i]);
  }
}

FORESHARD_INLINE void lion(Numbers& of, const UpdateFactors& f) {
#pragma omp simd
  for (std::int64_t i = 0; i < of.count; ++i) {
    const float mixed = f.beta1 * of.m[i] + (1.0F - f.beta1) * of.g[i];
    const float sign = static_cast<float>(mixed > 0.0F) - static_cast<float>(mixed < 0.0F);
    of.w[i] -= f.rate * (sign + f.decay * of.w[i]);
    of.m[i] = f.beta2 * of.m[i] + (1.0F - f.beta2) * of.g[i];
  }
}

FORESHARD_INLINE void descend(Numbers& of, const UpdateFactors& f) {
#pragma omp simd
  for (std::int64_t i = 0; i < of.count; ++i) of.w[i] -= f.rate * of.g[i];
}

// ---- weights

/// Rounds to bf16 at random: adds random bits to those that are cut off.
FORESHARD_INLINE void write_at_random(const UpdateCall& call, const UpdateFactors& f, const Numbers& from) {
  BFloat16* weight = as<BFloat16>(call.weight) + from.first;
  for (std::int64_t i = 0; i < from.count; ++i) {
    const auto whole = __builtin_bit_cast(std::uint32_t, from.w[i]);
    const bool is_finite = (whole & 0x7F800000U) != 0x7F800000U;
    const std::uint32_t more =
        is_finite ? rounding_bits(f.rounding_seed, call.rounding.place(from.first + i)) : 0;
    weight[i].bits = static_cast<std::uint16_t>((whole + more) >> 16U);
  }
}

/// Weights in bf16 and what they lack of their masters.
FORESHARD_INLINE void read_split(const UpdateCall& call, Numbers& to) {
  const BFloat16* weight = as<const BFloat16>(call.weight) + to.first;
  const BFloat16* remainder = as<const BFloat16>(call.master) + to.first;
  for (std::int64_t i = 0; i < to.count; ++i)
    to.w[i] = __builtin_bit_cast(float, SplitNumber{weight[i].bits, remainder[i].bits}.whole());
}
FORESHARD_INLINE void write_split(const UpdateCall& call, const Numbers& from) {
  BFloat16* weight = as<BFloat16>(call.weight) + from.first;
  BFloat16* remainder = as<BFloat16>(call.master) + from.first;
  for (std::int64_t i = 0; i < from.count; ++i) {
    const SplitNumber split = SplitNumber::of(__builtin_bit_cast(std::uint32_t, from.w[i]));
    weight[i].bits = split.upper;
    remainder[i].bits = split.remainder;
  }
}

FORESHARD_INLINE void read_weights(const UpdateCall& call, Numbers& to) {
  if (call.keeps_remainder) return read_split(call, to);
  read_numbers(to.w, call.master.empty() ? call.weight : call.master, to);
}

FORESHARD_INLINE void write_weights(const UpdateCall& call, const UpdateFactors& f, const Numbers& from) {
  if (call.keeps_remainder) return write_split(call, from);
  if (!call.master.empty()) write_numbers(call.master, from.w, from);
  if (call.rounding.on && is_bf16(call.weight)) return write_at_random(call, f, from);
  write_numbers(call.weight, from.w, from);
}

/// Muon's: gradients to iterates, or iterates to weights.
FORESHARD_INLINE void muon(const UpdateCall& call, const UpdateFactors& f, Numbers& of) {
  if (call.gradient.empty()) {
    read_numbers(of.g, call.iterate, of);
#pragma omp simd
    for (std::int64_t i = 0; i < of.count; ++i) of.w[i] -= f.rate * (f.scale * of.g[i] + f.decay * of.w[i]);
    return write_weights(call, f, of);
  }
  read_numbers(of.m, call.m, of);
#pragma omp simd
  for (std::int64_t i = 0; i < of.count; ++i) {
    of.m[i] = f.momentum * of.m[i] + of.g[i];
    of.g[i] += f.momentum * of.m[i];
  }
  write_numbers(call.m, of.m, of);
  write_numbers(call.iterate, of.g, of);
}

FORESHARD_INLINE void update_block(const UpdateCall& call, const UpdateFactors& f, Numbers& of) {
  if (!call.gradient.empty()) {
    read_numbers(of.g, call.gradient, of);
#pragma omp simd
    for (std::int64_t i = 0; i < of.count; ++i) of.g[i] *= f.clip;
  }
  if (!call.weight.empty()) read_weights(call, of);
  switch (call.kind) {
    case OptimizerKind::muon: return muon(call, f, of);
    case OptimizerKind::sgd: descend(of, f); break;
    case OptimizerKind::lion:
      read_moment(of.m, call.m, call.m_scale, f.first->numbers, of);
      lion(of, f);
      write_moment(call.m, call.m_scale, of.m, *f.first, of);
      break;
    case OptimizerKind::adamw:
    case OptimizerKind::adam:
    case OptimizerKind::adamw_8bit:
    case OptimizerKind::adafactor:  // is not executed (runtime_limits.cpp)
      read_moment(of.m, call.m, call.m_scale, f.first->numbers, of);
      read_moment(of.v, call.v, call.v_scale, f.second->numbers, of);
      adam(of, f);
      write_moment(call.m, call.m_scale, of.m, *f.first, of);
      write_moment(call.v, call.v_scale, of.v, *f.second, of);
      break;
  }
  write_weights(call, f, of);
}

}  // namespace

void update(const UpdateCall& call, const UpdateFactors& factors, Range elements) {
  const UpdateFactors f = factors;  // a local copy: the compiler knows that no store changes it
  Numbers of;
  for (of.first = elements.begin; of.first < elements.end; of.first += kBlock) {
    of.count = kBlock < elements.end - of.first ? kBlock : elements.end - of.first;
    update_block(call, f, of);
  }
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
