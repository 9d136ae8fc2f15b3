#pragma once

#include <cstdint>
#include <initializer_list>
#include <stdexcept>

#include <cuda_bf16.h>

#include "runtime/device/buffer.hpp"
#include "runtime/kernels/cuda/launch.cuh"

// Shared by the kernels of this folder: reading and writing numbers of several dtypes as fp32, eight at a
// time if memory is aligned; sums over a block, in an order that depends on the shape only.

namespace foreshard::cuda {

using Bf16 = __nv_bfloat16;

/// Numbers that a thread loads at a time: 16 bytes of bf16, 32 bytes of fp32.
inline constexpr int kPack = 8;

template <int N>
struct Floats {
  float at[N];
};

__device__ inline float to_float(float number) { return number; }
__device__ inline float to_float(Bf16 number) { return __bfloat162float(number); }
__device__ inline void set(float& number, float value) { number = value; }
__device__ inline void set(Bf16& number, float value) { number = __float2bfloat16_rn(value); }

/// Loads N numbers. For N = 8 the address must be aligned to 16 bytes.
template <int N, class T>
__device__ inline Floats<N> load(const T* from) {
  Floats<N> numbers;
  if constexpr (N == kPack) {
    alignas(16) T raw[N];
    constexpr int kWords = N * static_cast<int>(sizeof(T)) / 16;
    for (int word = 0; word < kWords; ++word)
      reinterpret_cast<uint4*>(raw)[word] = reinterpret_cast<const uint4*>(from)[word];
    for (int i = 0; i < N; ++i) numbers.at[i] = to_float(raw[i]);
  } else {
    for (int i = 0; i < N; ++i) numbers.at[i] = to_float(from[i]);
  }
  return numbers;
}

template <int N, class T>
__device__ inline void store(T* to, const Floats<N>& numbers) {
  if constexpr (N == kPack) {
    alignas(16) T raw[N];
    for (int i = 0; i < N; ++i) set(raw[i], numbers.at[i]);
    constexpr int kWords = N * static_cast<int>(sizeof(T)) / 16;
    for (int word = 0; word < kWords; ++word)
      reinterpret_cast<uint4*>(to)[word] = reinterpret_cast<const uint4*>(raw)[word];
  } else {
    for (int i = 0; i < N; ++i) set(to[i], numbers.at[i]);
  }
}

/// The sum over the lanes of a warp, returned on every lane. All lanes must call it.
__device__ inline float warp_sum(float value) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xFFFFFFFFU, value, step);
  return value;
}
__device__ inline float warp_max(float value) {
  for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFU, value, step));
  return value;
}

/// The sum over all threads of a block, returned on every thread. `shared` has 32 numbers. All threads must
/// call it.
/// @pre the number of threads is a multiple of 32
__device__ inline float block_sum(float value, float* shared) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  value = warp_sum(value);
  __syncthreads();  // the previous call may still read `shared`
  if (lane == 0) shared[warp] = value;
  __syncthreads();
  value = lane < warps ? shared[lane] : 0.0F;
  return warp_sum(value);
}

__device__ inline float block_max(float value, float* shared) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  value = warp_max(value);
  __syncthreads();
  if (lane == 0) shared[warp] = value;
  __syncthreads();
  value = lane < warps ? shared[lane] : -INFINITY;
  return warp_max(value);
}

/// Calls work(pointer) with the buffer's numbers as float* or Bf16*.
template <class Work>
void with_numbers(const Buffer& buffer, const Work& work) {
  switch (buffer.type) {
    case DType::fp32: return work(reinterpret_cast<float*>(buffer.data));
    case DType::bf16: return work(reinterpret_cast<Bf16*>(buffer.data));
    default: throw std::invalid_argument("a GPU kernel computes with bf16 and fp32");
  }
}

/// The numbers of a buffer that is always fp32: statistics, losses, optimizer states. Null if the operand is
/// absent.
inline float* floats(const Buffer& buffer) {
  return buffer.empty() ? nullptr : reinterpret_cast<float*>(buffer.data);
}

/// Whether kernels can load whole packs: every operand is aligned to 16 bytes, and `width` is a multiple of a
/// pack.
inline bool are_packed(std::initializer_list<Buffer> buffers, std::int64_t width) {
  for (const Buffer& buffer : buffers) {
    if (!buffer.empty() && reinterpret_cast<std::uintptr_t>(buffer.data) % 16 != 0) return false;
  }
  return width % kPack == 0;
}

inline unsigned blocks_for(std::int64_t items, std::int64_t per_block) {
  return static_cast<unsigned>((items + per_block - 1) / per_block);
}

}  // namespace foreshard::cuda
