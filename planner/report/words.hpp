#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/dtype.hpp"

/// Names in the tables. They are the words of the job file, so that a reader knows which key to change.
namespace foreshard::report {

/// The link between the devices of a node, as a noun: "NVSwitch".
std::string_view fabric_name(NodeFabric fabric);

/// The dtype of the weights for training in this precision.
DType weight_dtype(Precision precision);

/// The dtype in which a device stores weights between their uses. FSDP stores its shares in fp32.
DType stored_weight_dtype(const JobSpec& job);
/// The same in words, with the copies that are kept for products of 8 and 4 bits: "bf16 + fp8".
std::string stored_weight_words(const JobSpec& job);

/// "GPU", or "device" if the accelerator is a CPU.
std::string device_word(const JobSpec& job);
/// "64 GPUs", "1 device"
std::string devices(const JobSpec& job, std::int64_t number);
/// "1 micro-batch", "2 micro-batches": `noun` with its plural's ending.
std::string counted(std::int64_t number, std::string_view noun, std::string_view ending = "s");

}  // namespace foreshard::report
