#pragma once

#include <sstream>
#include <string>

#include "planner/trace/kineto_json.hpp"
#include "planner/trace/trace_sums.hpp"

// Traces of PyTorch's profiler, made by hand.

namespace foreshard::test {

/// One step of 1 ms, from 1000 to 2000 µs:
///   1050 launch of the product, which runs from 1100 to 1500
///   1590 launch of attention, which runs from 1600 to 1700
///   an all-reduce of 1e6 bf16 elements over 4 ranks, from 1650 to 1850
///   an elementwise kernel from 1800 to 1820
/// Products 400 µs, attention 100, passes 20. The all-reduce is alone from 1700 to 1800 and from 1820 to 1850: 130.
/// Idle: 1000 to 1100, of which the host is late until 1050; 1500 to 1600, late until 1590; 1850 to 2000, nothing
/// follows. So the host 50 + 90 = 140, other 50 + 10 + 150 = 210. 400 + 100 + 20 + 130 + 140 + 210 = 1000.
inline constexpr const char* kOneStep = R"trace({
  "schemaVersion": 1,
  "deviceProperties": [{"id": 0, "name": "NVIDIA H100 80GB HBM3"}],
  "traceEvents": [
    {"ph": "M", "name": "process_name", "pid": 1, "args": {"name": "python"}},
    {"ph": "X", "cat": "user_annotation", "name": "ProfilerStep#7", "pid": 1, "tid": 1, "ts": 1000, "dur": 1000},
    {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": 1050, "dur": 5, "args": {"correlation": 1}},
    {"ph": "X", "cat": "kernel", "name": "sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn", "ts": 1100, "dur": 400,
     "args": {"device": 0, "stream": 7, "correlation": 1}},
    {"ph": "X", "cat": "cuda_driver", "name": "cuLaunchKernelEx", "ts": 1590, "dur": 5, "args": {"correlation": 2}},
    {"ph": "X", "cat": "kernel", "name": "void flash::compute_attn_ws<Flash_fwd_kernel_traits>", "ts": 1600,
     "dur": 100, "args": {"device": 0, "stream": 7, "correlation": 2}},
    {"ph": "X", "cat": "kernel", "name": "ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)",
     "ts": 1650, "dur": 200,
     "args": {"device": 0, "stream": 20, "correlation": 3, "Collective name": "allreduce", "In msg nelems": 1000000,
              "Out msg nelems": 1000000, "Group size": 4, "dtype": "BFloat16", "Process Group Name": "5",
              "Process Group Description": "TENSOR_MODEL_PARALLEL_GROUP", "Process Group Ranks": "[0, 1, 2, 3]"}},
    {"ph": "X", "cat": "kernel", "name": "void at::native::vectorized_elementwise_kernel<4, CUDAFunctor_add<float>>",
     "ts": 1800, "dur": 20, "args": {"device": 0, "stream": 7, "correlation": 4}}
  ],
  "distributedInfo": {"backend": "nccl", "rank": 2, "world_size": 8}
})trace";

/// Two steps of 100 µs without a gap, and a second device with fewer kernels, which is left out.
///   step 1: grouped product 0 to 30, memcpy 30 to 40, Adam 50 to 90
///   step 2: the same, 100 µs later; a reduce-scatter of group "9" (ranks from pg_config) from 195 to 200, alone
/// No launches are known, so idleness is other: 40 to 50 and 90 to 100, in step 2 140 to 150 and 190 to 195: 35.
inline constexpr const char* kTwoSteps = R"trace({
  "distributedInfo": {"rank": 0, "world_size": 2,
                      "pg_config": [{"pg_name": "9", "pg_desc": "mesh_dp", "pg_size": 2, "ranks": [0, 1]}]},
  "traceEvents": [
    {"ph": "X", "cat": "user_annotation", "name": "ProfilerStep#1", "ts": 0.0, "dur": 100.0},
    {"ph": "X", "cat": "user_annotation", "name": "ProfilerStep#2", "ts": 100.0, "dur": 100.0},
    {"ph": "X", "cat": "gpu_user_annotation", "name": "ProfilerStep#1", "ts": 20.0, "dur": 500.0},
    {"ph": "X", "cat": "kernel", "name": "void GroupedGemmKernel", "ts": 0, "dur": 30, "args": {"device": 0}},
    {"ph": "X", "cat": "gpu_memcpy", "name": "Memcpy HtoD", "ts": 30, "dur": 10, "args": {"device": 0}},
    {"ph": "X", "cat": "kernel", "name": "multi_tensor_apply_kernel<AdamFunctor>", "ts": 50, "dur": 40,
     "args": {"device": 0}},
    {"ph": "X", "cat": "kernel", "name": "gemm_on_another", "ts": 40, "dur": 60, "args": {"device": 1}},
    {"ph": "X", "cat": "kernel", "name": "void GroupedGemmKernel", "ts": 100, "dur": 30, "args": {"device": 0}},
    {"ph": "X", "cat": "gpu_memcpy", "name": "Memcpy HtoD", "ts": 130, "dur": 10, "args": {"device": 0}},
    {"ph": "X", "cat": "kernel", "name": "multi_tensor_apply_kernel<AdamFunctor>", "ts": 150, "dur": 40,
     "args": {"device": 0}},
    {"ph": "X", "cat": "kernel", "name": "ncclDevKernel_ReduceScatter_Sum_f32_RING_LL", "ts": 195, "dur": 20,
     "args": {"device": 0, "Process Group Name": "9", "In msg nelems": 500, "Out msg nelems": 250, "dtype": "Float"}}
  ]
})trace";

/// Old: whole microseconds, no steps, no process groups; one product from 10 to 60 and a collective from 40 to 100.
inline constexpr const char* kUnmarked = R"trace({"traceEvents": [
  {"ph": "X", "cat": "Kernel", "name": "ampere_sgemm_128x64_nn", "ts": 10, "dur": 50, "args": {"device": 0}},
  {"ph": "X", "cat": "Kernel", "name": "ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t", "ts": 40, "dur": 60,
   "args": {"device": 0}}
]})trace";

struct ReadTrace {
  TraceHeader header;
  TracedSteps steps;
};
inline ReadTrace read_trace(const std::string& text) {
  std::istringstream in(text);
  TraceSums sums;
  ReadTrace read;
  read.header = read_kineto(in, "trace.json", [&](const TraceEvent& event) { sums.add(event); });
  read.steps = sums.finish(read.header);
  return read;
}

}  // namespace foreshard::test
