#pragma once

#include <string>
#include <vector>

namespace foreshard {

/// Every key that files may have, in Markdown: one section for each map of a job, with type, default and
/// meaning, from the JSON Schema of jobs, which comes from the readers' tables.
std::string key_reference();

/// A key of a job that has a value of its own: its dotted path, and the words that it may be where there are
/// such.
struct JobKey {
  std::string path;
  std::vector<std::string> words{};
};

/// The keys that `--set` takes, in the order of the reference; those within lists left out.
std::vector<JobKey> job_keys_with_words();

}  // namespace foreshard
