#pragma once

#include <cstdint>
#include <initializer_list>
#include <stdexcept>

#include <cuda_bf16.h>

#include "runtime/device/buffer.hpp"
#include "runtime/kernels/cuda/launch.cuh"

// What the kernels of this folder share: numbers of several dtypes read and written as fp32, eight at a time
// where memory is aligned, and sums over a block whose order the shape alone decides.

namespace foreshard::cuda {

using Bf16 = __nv_bfloat16;

/// Numbers that a thread takes at a time: 16 bytes of bf16, twice that of fp32.
inline constexpr int kPack = 8;

template <int N>
struct Floats {
  float at[N];
};

__device__ inline float to_float(float number) { return number; }
__device__ inline float to_float(Bf16 number) { return __bfloat162float(number); }
__device__ inline void set(float& number, float value) { number = value; }
__device__ inline void set(Bf16& number, float value) { number = __float2bfloat16_rn(value); }

/// N numbers from `from` on; for N = 8 aligned to 16 bytes.
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

/// The sum over the lanes of a warp, on every lane; all lanes call.
__device__ inline float warp_sum(float value) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xFFFFFFFFU, value, step);
  return value;
}
__device__ inline float warp_max(float value) {
  for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFU, value, step));
  return value;
}

/// The sum over all threads of a block, on every thread. `shared` holds 32 numbers; all threads call.
/// @pre the block has whole warps
__device__ inline float block_sum(float value, float* shared) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  value = warp_sum(value);
  __syncthreads();  // what the call before left has been read
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

/// Calls visit(pointer) with the buffer's numbers as what they are: float* or Bf16*.
template <class BlockCall>
void with_numbers(const Buffer& buffer, const BlockCall& block_call) {
  switch (buffer.type) {
    case DType::fp32: return block_call(reinterpret_cast<float*>(buffer.data));
    case DType::bf16: return block_call(reinterpret_cast<Bf16*>(buffer.data));
    default: throw std::invalid_argument("a GPU kernel computes with bf16 and fp32");
  }
}

/// Numbers that are always fp32: statistics, losses, states. Null where the operand is not there.
inline float* floats(const Buffer& buffer) {
  return buffer.empty() ? nullptr : reinterpret_cast<float*>(buffer.data);
}

/// Whether whole packs can be moved: every operand begins at 16 bytes, and rows of `width` do too.
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
