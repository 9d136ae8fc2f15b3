#pragma once

#include "planner/report/record.hpp"
#include "planner/results/calibration_result.hpp"

namespace foreshard::report {

/// The keys are cluster.{name,nodes,devices_per_node,device},
/// device.{products,peak_flops_per_s,efficiency,memory_bytes, memory_bytes_per_s,spread}, link and network
/// {bytes_per_s,latency_s}, null if they were not measured; remarks[]; and measured[], a row each: {name,
/// place (device, within-host or across-hosts), measured, flops_per_s, bytes_per_s, mean_error, residual,
/// unsteadiness}.
Record calibration_record(const CalibrationResult& calibration);

}  // namespace foreshard::report
