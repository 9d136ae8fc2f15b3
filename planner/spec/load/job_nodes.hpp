#pragma once

#include <string>
#include <vector>

#include "planner/spec/library/library.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// A job as the map of a job file, and the name that it has if it says none.
struct NamedNode {
  NodePtr node;
  std::string name;
};

/// All jobs of a text, with overrides applied: the documents of a job file, or the job of a launch file. Jobs that cannot
/// be read are left out, with complaints.
std::vector<NamedNode> job_nodes(const SourcePtr& source, const std::string& text,
                                 const std::vector<Override>& overrides, Library& library);

}  // namespace foreshard
