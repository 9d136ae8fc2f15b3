#pragma once

#include <cstdint>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// How much a calibration measures.
enum class CalibrationEffort : std::uint8_t { quick, usual };

/// The jobs whose kernels are measured: small models of different proportions on one device. Together they
/// run every kind of kernel that the runtime has, on tensors from a few KiB to tens of MiB. Their products
/// have all three layouts, with m, n and k from 128 to 4096; their attention has sequences of 128 to 2048
/// tokens and heads of 64 and 128, with one or several query heads per kv head.
///
/// Kernels are measured inside whole steps of these jobs, so that their operands are in the caches, or not,
/// as in training: activations have just been written, weights and gradients come from memory.
/// @param precision  fp32 or bf16
std::vector<JobSpec> kernel_probes(CalibrationEffort effort, Precision precision = Precision::fp32);

/// The same for a GPU, in bf16: layers with Llama's proportions, whole and as the share of a tensor-parallel
/// rank, of 1024 to 8192 tokens, and one with GPT's kinds of kernels. They have four layers and a small
/// vocabulary, so that the kernels follow one another as in real steps: a GPU's clock depends on the power
/// that it draws. They need up to 35 GiB.
std::vector<JobSpec> gpu_kernel_probes(CalibrationEffort effort);

}  // namespace foreshard
