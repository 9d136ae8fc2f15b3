#pragma once

#include "runtime/device/buffer.hpp"

namespace foreshard {

/// Copy doubles into and out of a buffer in host memory, rounded to the nearest number of the buffer's dtype.
/// @throws std::invalid_argument for fp16 and for types of 8 and 4 bits, which no device stores
void write_numbers(Buffer to, const double* from);
void read_numbers(Buffer from, double* to);

/// @pre the two do not overlap
void copy_bytes(std::byte* to, const std::byte* from, std::int64_t bytes);

}  // namespace foreshard
