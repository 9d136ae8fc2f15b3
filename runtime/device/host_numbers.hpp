#pragma once

#include "runtime/device/buffer.hpp"

namespace foreshard {

/// Copies doubles into and out of a buffer in host memory, each rounded to the nearest that its dtype can
/// say.
/// @throws std::invalid_argument for fp16 and fp8, which no device keeps
void write_numbers(Buffer to, const double* from);
void read_numbers(Buffer from, double* to);

}  // namespace foreshard
