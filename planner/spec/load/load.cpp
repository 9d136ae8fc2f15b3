#include "planner/spec/load/load.hpp"

#include "planner/spec/accelerator/read_accelerator.hpp"
#include "planner/spec/cluster/read_cluster.hpp"
#include "planner/spec/job/read_job.hpp"
#include "planner/spec/library/library.hpp"
#include "planner/spec/load/job_nodes.hpp"
#include "planner/spec/model/read_model.hpp"
#include "planner/spec/yaml/node_edit.hpp"

namespace foreshard {

namespace {

constexpr const char* kStepTime = "measured.step_time";

/// Complains of a job without a measured step time, memory or outcome. A time that cannot be read has been complained of
/// already.
void check_measured(const YamlNode& job, Complaints& complaints) {
  if (job.kind != YamlNode::Kind::map) return;
  const MapEntry* const measured = job.find("measured");
  for (const char* key : {"step_time", "peak_memory", "outcome"})
    if (measured != nullptr && measured->value->find(key) != nullptr) return;
  complaints.add(locate(job, kStepTime), kStepTime, "without it there is nothing to compare the plan with",
                 "the time of one step, as in measured: {step_time: 18.1 s}");
}

std::vector<JobSpec> read_jobs(const SourcePtr& source, const std::string& text,
                               const std::vector<Override>& overrides, Purpose purpose,
                               Complaints& complaints) {
  Library library(complaints);
  std::vector<JobSpec> jobs;
  for (const NamedNode& job : job_nodes(source, text, overrides, library)) {
    const JobChecks checks = purpose == Purpose::find_size ? JobChecks::all_but_degrees : JobChecks::all;
    jobs.push_back(read_job(job.node, job.name, library, checks));
    if (purpose == Purpose::score) check_measured(*job.node, complaints);
  }
  return jobs;
}

/// Loads a config by a name or path that does not come from a file: paths start at the current directory.
template <class Spec>
Spec load_named(const std::string& name_or_path,
                Spec (*read)(const NodePtr&, const Place&, const std::string&, Library&)) {
  Complaints complaints;
  Library library(complaints);
  auto reference = std::make_shared<YamlNode>();
  reference->kind = YamlNode::Kind::scalar;
  reference->text = name_or_path;
  Spec spec = read(reference, reference->place, "", library);
  complaints.throw_if_any();
  return spec;
}

}  // namespace

std::vector<JobSpec> load_jobs(const std::filesystem::path& file, const std::vector<Override>& overrides,
                               Purpose purpose) {
  Complaints complaints;
  std::vector<JobSpec> jobs;
  const std::string name = file.string();
  if (const std::optional<std::string> text = read_text_file(file, name, complaints)) {
    jobs = read_jobs(make_source(name, file.parent_path(), *text), *text, overrides, purpose, complaints);
  }
  complaints.throw_if_any();
  return jobs;
}

std::vector<JobSpec> parse_jobs(const std::string& text, const std::string& name,
                                const std::vector<Override>& overrides, Purpose purpose) {
  Complaints complaints;
  std::vector<JobSpec> jobs;
  if (const std::optional<std::string> checked = check_text(text, name, complaints)) {
    jobs = read_jobs(make_source(name, {}, *checked), *checked, overrides, purpose, complaints);
  }
  complaints.throw_if_any();
  return jobs;
}

ModelSpec load_model(const std::string& name_or_path) { return load_named(name_or_path, read_model); }
AcceleratorSpec load_accelerator(const std::string& name_or_path) {
  return load_named(name_or_path, read_accelerator);
}
ClusterSpec load_cluster(const std::string& name_or_path) { return load_named(name_or_path, read_cluster); }

}  // namespace foreshard
