#pragma once

#include <cstdint>
#include <vector>

#include "planner/spec/job/job_spec.hpp"

namespace foreshard {

/// How much a calibration measures.
enum class CalibrationEffort : std::uint8_t { quick, usual };

/// The jobs whose kernels are measured: small models of different proportions on one device, which
/// together run every kind of kernel that the runtime has, on sizes from a few KiB to tens of MiB. Their
/// products have all three layouts, m, n and k from 128 to 4096; their attention cores sequences of 128 to
/// 2048, heads of 64 and 128, with and without shared keys.
///
/// Kernels are measured inside whole steps of these jobs, because that is where they run: what a kernel reads
/// was written a moment ago and is in a cache or not, as it would be; weights and gradients come from memory.
/// @param precision  fp32 or bf16
std::vector<JobSpec> kernel_probes(CalibrationEffort effort, Precision precision = Precision::fp32);

/// The same for a GPU, in bf16: layers of Llama's proportions as tensor-parallel ranks share them, of 1024 to
/// 8192 tokens, and one of GPT's kinds of kernels. Four layers each, and a small vocabulary: a GPU sets its
/// clock by the power that it draws, so kernels are to follow one another as they do in real steps. They take
/// up to 35 GiB.
std::vector<JobSpec> gpu_kernel_probes(CalibrationEffort effort);

}  // namespace foreshard
