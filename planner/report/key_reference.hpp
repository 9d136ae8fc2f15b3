#pragma once

#include <string>
#include <vector>

namespace foreshard {

/// The reference of all keys of the files, in Markdown: one section for each map of a job, with types,
/// defaults and meanings. It is generated from the JSON Schema of jobs, which is generated from the readers'
/// tables.
std::string key_reference();

/// A key of a job that has a value: its dotted path, and the words that are allowed as value, if any.
struct JobKey {
  std::string path;
  std::vector<std::string> words{};
};

/// The keys that `--set` accepts, in the order of the reference, without those inside lists.
std::vector<JobKey> job_keys_with_words();

}  // namespace foreshard
