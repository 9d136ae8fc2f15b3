#pragma once

// What the tests of kernels hold a device to. The same tests are built for the processor and for a GPU.
#ifdef FORESHARD_TEST_GPU
#include "tests/runtime/cuda/gpu_checks.hpp"
#else
#include "tests/runtime/kernels/cpu_checks.hpp"
#endif
