#pragma once

#include "runtime/device/code_calls.hpp"

namespace foreshard {

// check_call() for calls that make and read copies in 8 bits.

/// @throws std::invalid_argument
void check_code_call(const AmaxCall& call);
void check_code_call(const QuantiseCall& call);
void check_code_call(const DecodeCall& call);
void check_code_call(const TransposeCall& call);

}  // namespace foreshard
