#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/dtype.hpp"

/// How the tables name things: the words of the job file, so that a reader can change what he reads.
namespace foreshard::report {

/// The link between the devices of a node, as a noun: "NVSwitch".
std::string_view fabric_name(NodeFabric fabric);

/// In which weights are stored for training in this precision: fp8 is for products only.
DType weight_dtype(Precision precision);

/// In which weights stand on a device between their uses: FSDP keeps its shares in fp32.
DType stored_weight_dtype(const JobSpec& job);

/// "GPU" or, where the accelerator is a CPU, "device".
std::string device_word(const JobSpec& job);
/// "64 GPUs", "1 device"
std::string devices(const JobSpec& job, std::int64_t number);
/// "1 micro-batch", "2 micro-batches": `noun` with its plural's ending.
std::string counted(std::int64_t number, std::string_view noun, std::string_view ending = "s");

}  // namespace foreshard::report
