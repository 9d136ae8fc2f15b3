#include "planner/spec/load/job_nodes.hpp"

#include <filesystem>
#include <utility>

#include <fmt/core.h>

#include "planner/spec/load/launch_file.hpp"
#include "planner/spec/load/overrides.hpp"

namespace foreshard {

std::vector<NamedNode> job_nodes(const SourcePtr& source, const std::string& text,
                                 const std::vector<Override>& overrides, Library& library) {
  const std::string stem = std::filesystem::path(source->name).stem().string();
  std::vector<NamedNode> jobs;
  const auto add = [&](NodePtr job, std::string name) {
    if (job != nullptr) jobs.push_back({std::move(job), std::move(name)});
  };
  if (const auto kind = launch_kind(source->name, text)) {
    add(job_from_launch_file(*kind, source, text, overrides, library), stem);
    return jobs;
  }
  Complaints& complaints = library.complaints();
  const std::vector<NodePtr> documents = parse_yaml(source, text, complaints);
  if (documents.empty() && complaints.size() == 0) {
    complaints.add({make_source_without_lines(source->name)}, "", "there is no job in it",
                   "a job has at least the keys model, cluster and training");
  }
  for (std::size_t i = 0; i < documents.size(); ++i) {
    add(has_launch_arguments(*documents[i]) ? job_from_launch_arguments(*documents[i], overrides, library)
                                            : apply_overrides(documents[i], overrides, library),
        documents.size() == 1 ? stem : fmt::format("{}-{}", stem, i + 1));
  }
  return jobs;
}

}  // namespace foreshard
