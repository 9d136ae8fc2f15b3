#pragma once

#include <set>
#include <string>

#include "planner/spec/launch/launch_map.hpp"
#include "planner/spec/yaml/complaints.hpp"
#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard::detail {

/// Reads a shell script that launches Megatron-LM, or a file with its arguments alone, as a job. Nothing is run:
/// variables, arrays, tests and defaults are followed as far as they stand in the file. Flags without meaning
/// for a plan, with an effect that no key says, and unknown ones are named in `left_out`. Source of the flags:
/// NVIDIA/Megatron-LM, megatron/training/arguments.py and the configs that it makes arguments of.
/// @param overridden  keys of the job that the command line sets
/// @param devices     of the cluster on the command line, where the launcher does not say how many; 0: not known
LaunchJob job_from_megatron(const SourcePtr& source, const std::string& text,
                            const std::set<std::string>& overridden, std::int64_t devices,
                            Complaints& complaints);

/// Reads the map MODEL_ARGS of a YAML file, as Megatron-LM's own tests and some launchers have it: flags, whose
/// value is true where they take none. A variable in a value is not known.
LaunchJob job_from_megatron_yaml(const YamlNode& arguments, const std::set<std::string>& overridden,
                                 std::int64_t devices, Complaints& complaints);

}  // namespace foreshard::detail
