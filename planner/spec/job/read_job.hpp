#pragma once

#include <cstdint>
#include <string>

#include "planner/spec/library/library.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys of a job and of the maps inside it.
KeyTable job_keys();
KeyTable framework_keys();
KeyTable parallelism_keys();
KeyTable training_keys();
KeyTable capacity_keys();
KeyTable overlap_keys();
KeyTable bf16_layers_keys();
KeyTable failure_keys();
KeyTable loss_keys();
KeyTable states_keys();
KeyTable offload_keys();
KeyTable bucket_keys();
KeyTable lora_keys();
KeyTable measured_keys();

/// What read_job checks of a job that could be read. all_but_degrees: not its degrees and what they must divide, because
/// they will be replaced.
enum class JobChecks : std::uint8_t { all, all_but_degrees };

/// Reads a job and fills in all defaults. If everything could be read, also checks that the job is legal. Do
/// not use the result if there were complaints.
/// @param document a whole document
/// @param default_name the name of the job if the document has none
JobSpec read_job(const NodePtr& document, const std::string& default_name, Library& library,
                 JobChecks checks = JobChecks::all);

}  // namespace foreshard
