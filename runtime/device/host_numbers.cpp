#include "runtime/device/host_numbers.hpp"

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "runtime/device/bfloat16.hpp"

namespace foreshard {
namespace {

template <class T>
T number_from(double value) {
  return static_cast<T>(value);
}
template <>
BFloat16 number_from<BFloat16>(double value) {
  return BFloat16(static_cast<float>(value));
}

template <class T>
double to_double(T number) {
  return static_cast<double>(number);
}
template <>
double to_double<BFloat16>(BFloat16 number) {
  return static_cast<double>(static_cast<float>(number));
}

template <class T>
void write(Buffer to, const double* from) {
  T* numbers = reinterpret_cast<T*>(to.data);
  for (std::int64_t i = 0; i < to.elements; ++i) numbers[i] = number_from<T>(from[i]);
}
template <class T>
void read(Buffer from, double* to) {
  const T* numbers = reinterpret_cast<const T*>(from.data);
  for (std::int64_t i = 0; i < from.elements; ++i) to[i] = to_double<T>(numbers[i]);
}

[[noreturn]] void refuse() { throw std::invalid_argument("no device keeps numbers of this dtype"); }

}  // namespace

void write_numbers(Buffer to, const double* from) {
  switch (to.type) {
    case DType::fp64: return write<double>(to, from);
    case DType::fp32:
    case DType::tf32: return write<float>(to, from);
    case DType::bf16: return write<BFloat16>(to, from);
    case DType::int32: return write<std::int32_t>(to, from);
    case DType::uint8: return write<std::uint8_t>(to, from);
    case DType::fp16:
    case DType::fp8:
    case DType::fp8_rowwise:
    case DType::fp8_block:
    case DType::mxfp8:
    case DType::nvfp4:
    case DType::nf4: break;
  }
  refuse();
}

void read_numbers(Buffer from, double* to) {
  switch (from.type) {
    case DType::fp64: return read<double>(from, to);
    case DType::fp32:
    case DType::tf32: return read<float>(from, to);
    case DType::bf16: return read<BFloat16>(from, to);
    case DType::int32: return read<std::int32_t>(from, to);
    case DType::uint8: return read<std::uint8_t>(from, to);
    case DType::fp16:
    case DType::fp8:
    case DType::fp8_rowwise:
    case DType::fp8_block:
    case DType::mxfp8:
    case DType::nvfp4:
    case DType::nf4: break;
  }
  refuse();
}

void copy_bytes(std::byte* to, const std::byte* from, std::int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
}

}  // namespace foreshard
