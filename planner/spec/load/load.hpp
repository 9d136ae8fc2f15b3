#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "planner/spec/library/config_kind.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/yaml/diagnostic.hpp"

namespace foreshard {

/// One `--set parallelism.tp=4`: replaces the value at a dotted path before the job is read; the value is
/// YAML.
struct Override {
  std::string path;
  std::string value;
};

/// The purpose for which jobs are read. Jobs whose size is searched may have degrees and batches that do not suit their
/// own devices. Jobs to be scored must have a measured step time, peak memory or outcome.
enum class Purpose : std::uint8_t { plan, find_size, score };

/// Reads all jobs of one file (documents separated by `---`): fills in defaults, resolves names and paths,
/// and checks that the jobs are legal. A name is looked up in configs/; a path is relative to the file that
/// names it.
/// @throws SpecError with every complaint of the file.
std::vector<JobSpec> load_jobs(const std::filesystem::path& file, const std::vector<Override>& overrides = {},
                               Purpose purpose = Purpose::plan);

/// The same for a text that is not in a file. Messages call it `name`; relative paths start at the current
/// directory.
std::vector<JobSpec> parse_jobs(const std::string& text, const std::string& name,
                                const std::vector<Override>& overrides = {}, Purpose purpose = Purpose::plan);

ModelSpec load_model(const std::string& name_or_path);
AcceleratorSpec load_accelerator(const std::string& name_or_path);
ClusterSpec load_cluster(const std::string& name_or_path);

}  // namespace foreshard
