#pragma once

#include "runtime/device/buffer.hpp"

namespace foreshard {

/// Copies doubles into and out of a buffer in host memory, each rounded to the nearest that its dtype can
/// say.
/// @throws std::invalid_argument for fp16 and fp8, which no device keeps
void write_numbers(Buffer to, const double* from);
void read_numbers(Buffer from, double* to);

/// @pre the two do not overlap
void copy_bytes(std::byte* to, const std::byte* from, std::int64_t bytes);

}  // namespace foreshard
