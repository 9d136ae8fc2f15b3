#pragma once

// How the tests check a device's kernels. The same tests are compiled for the CPU and for a GPU.
#ifdef FORESHARD_TEST_GPU
#include "tests/runtime/cuda/gpu_checks.hpp"
#else
#include "tests/runtime/kernels/cpu_checks.hpp"
#endif
