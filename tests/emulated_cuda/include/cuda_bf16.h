// CUDA's names for bf16, implemented with this project's type.
#pragma once

#include "runtime/device/bfloat16.hpp"

using __nv_bfloat16 = foreshard::BFloat16;

inline float __bfloat162float(__nv_bfloat16 number) { return static_cast<float>(number); }
inline __nv_bfloat16 __float2bfloat16_rn(float number) { return __nv_bfloat16(number); }
