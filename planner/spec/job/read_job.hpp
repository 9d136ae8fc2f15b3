#pragma once

#include <string>

#include "planner/spec/library/library.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys of a job and of the maps inside it.
KeyTable job_keys();
KeyTable parallelism_keys();
KeyTable training_keys();
KeyTable overlap_keys();
KeyTable failure_keys();
KeyTable lora_keys();
KeyTable measured_keys();

/// A job with every default filled, and its legality checked if everything could be read. After complaints it
/// is not to be used.
/// @param document a whole document; @param default_name of a job that says none
JobSpec read_job(const NodePtr& document, const std::string& default_name, Library& library);

}  // namespace foreshard
