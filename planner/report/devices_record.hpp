#pragma once

#include "planner/report/record.hpp"
#include "planner/results/local_devices.hpp"

namespace foreshard::report {

/// The keys are processor.{name,cores}, mpi, why_no_gpu and libraries.{driver,cuda,cublaslt,nccl,cudnn}, null
/// if not known; and gpus[]: {name, memory_bytes, free_bytes, multiprocessors, architecture, is_built_for}.
Record devices_record(const LocalDevices& devices);

}  // namespace foreshard::report
