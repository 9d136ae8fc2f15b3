#include "cli/options/job_input.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/suggestion.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/format.hpp"
#include "planner/report/key_reference.hpp"
#include "planner/spec/load/job_text.hpp"
#include "planner/spec/load/launch_file.hpp"
#include "planner/spec/yaml/input_file.hpp"
#include "planner/spec/yaml/sha256.hpp"

namespace foreshard::cli {
namespace {

namespace fs = std::filesystem;

/// Text that is read in place of standard input; null if there is none.
thread_local const std::string* given_input = nullptr;

/// Defaults for a job made from a model: sequences of 4,096 tokens (fewer if the model has fewer positions),
/// and as many sequences per step as make 4 Mi tokens. Models of tens of billions of parameters are trained
/// with about that many (Llama 3, arXiv:2407.21783, section 3.4.1).
constexpr std::int64_t kSequence = 4096;
constexpr std::int64_t kTokensPerStep = 4'194'304;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_file(const std::string& argument) {
  std::error_code no_error;
  return fs::exists(argument, no_error) && !fs::is_directory(argument, no_error);
}

/// Refuses a key without the map that contains it, as in "--set tp=4", and suggests the whole key. If several
/// keys have this name, the least nested one is suggested: parallelism.tp rather than training.overlap.tp.
void require_whole_key(const std::string& key, const std::string& setting) {
  if (key.find('.') != std::string::npos) return;
  const auto depth = [](const std::string& path) { return std::count(path.begin(), path.end(), '.'); };
  std::vector<std::string> meant;
  for (const JobKey& known : job_keys_with_words()) {
    if (known.path.substr(0, known.path.find('.')) == key) return;
    if (!known.path.ends_with("." + key)) continue;
    if (!meant.empty() && depth(known.path) > depth(meant.front())) continue;
    if (!meant.empty() && depth(known.path) < depth(meant.front())) meant.clear();
    meant.push_back(known.path);
  }
  if (meant.size() != 1) return;
  throw UsageError(fmt::format("--set {}: there is no key '{}' at the top of a job; did you mean {}{}?",
                               setting, key, meant.front(), setting.substr(key.size())));
}

Override parse_setting(const std::string& setting) {
  const auto equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(fmt::format("--set takes key=value, as in parallelism.tp=4, not '{}'", setting));
  }
  const std::string key = setting.substr(0, equals);
  require_whole_key(key, setting);
  return {.path = key, .value = setting.substr(equals + 1)};
}

/// Whether a file describes a model instead of a job: only jobs have the key `model`, or a launcher's arguments.
bool is_model_file(const std::string& file) {
  if (fs::path(file).extension() == ".json") return true;
  if (launch_kind_by_name(file)) return false;
  if (!fs::is_regular_file(file)) return false;  // a pipe can be read only once
  std::ifstream in(file, std::ios::binary);
  static const std::regex kModelKey(R"(^\s*[{]?\s*["']?model["']?\s*:.*)");
  bool is_first = true;
  for (std::string line; std::getline(in, line);) {
    // A file of a launcher's arguments begins with one.
    if (is_first && launch_kind(file, line)) return false;
    is_first = is_first && line.find_first_not_of(" \t\r") == std::string::npos;
    if (std::regex_match(line, kModelKey) || line.starts_with(kLaunchArguments)) return false;
  }
  return true;
}

bool is_model(const std::string& argument) {
  if (argument == "-") return false;
  if (is_file(argument)) return is_model_file(argument);
  return !contains(bundled_names(ConfigKind::jobs), argument) &&
         contains(bundled_names(ConfigKind::models), argument);
}

/// The file that an argument refers to, as a path or as the name of a bundled config of this kind.
fs::path file_of(const std::string& argument, ConfigKind kind) {
  const char* const noun = kind == ConfigKind::measured ? "bundled measurement" : "bundled job";
  if (argument.empty()) {
    throw UsageError(fmt::format("an empty name was given for a file or a {}", noun));
  }
  std::error_code no_error;
  if (fs::is_directory(argument, no_error)) {
    throw UsageError(fmt::format("'{}' is a directory, not a file of jobs", argument));
  }
  if (fs::exists(argument, no_error)) return argument;
  const auto bundled = bundled_names(kind);
  if (contains(bundled, argument)) return bundled_file(kind, argument);
  if (kind == ConfigKind::jobs && is_model(argument)) {
    throw UsageError(fmt::format(
        "'{}' is a model, not a job; say what it is trained on: foreshard plan {} --on dgx-h100 --tp 8",
        argument, argument));
  }
  const std::string name = fs::path(argument).stem().string();
  throw UsageError(
      fmt::format("there is neither a file nor a {} '{}'{}", noun, argument, suggestion(name, bundled)));
}

/// The text of JOB `-` and what messages call it.
struct PipedJob {
  const std::string& text;
  const char* name;
};

/// Standard input is read once and kept: a search reads its job again when it writes the plans that it found.
PipedJob piped_job() {
  if (given_input != nullptr) return {*given_input, "job"};
  try {
    static const std::string text = read_standard_input(kMostSpecMebibytes);
    return {text, "<stdin>"};
  } catch (const InputError& error) {
    throw UsageError(fmt::format("<stdin>: {}", error.what()));
  }
}

std::vector<JobSpec> load(const std::string& argument, ConfigKind kind,
                          const std::vector<Override>& overrides, Purpose purpose) {
  if (argument != "-") return load_jobs(file_of(argument, kind), overrides, purpose);
  const PipedJob piped = piped_job();
  if (given_input != nullptr) note_input({.name = piped.name, .sha256 = sha256_hex(piped.text)});
  return parse_jobs(piped.text, piped.name, overrides, purpose);
}

/// Quotes text as a YAML value.
std::string yaml_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

/// The last value that the overrides set for a key whose value is a whole number.
std::optional<std::int64_t> overridden(const std::vector<Override>& overrides, const std::string& key) {
  std::optional<std::int64_t> number;
  for (const Override& override : overrides) {
    if (override.path != key) continue;
    std::int64_t value = 0;
    const char* const end = override.value.data() + override.value.size();
    const auto [stop, error] = std::from_chars(override.value.data(), end, value);
    number = error == std::errc{} && stop == end && value > 0 ? value : 1;
  }
  return number;
}

/// The name of an argument: a name unchanged, a file without its directory and extension.
std::string name_of(const std::string& argument) {
  return is_file(argument) ? fs::path(argument).stem().string() : argument;
}

std::int64_t usual_sequence(const ModelSpec& model) {
  return model.max_positions > 0 ? std::min(model.max_positions, kSequence) : kSequence;
}

/// The job that trains a model on a cluster, as the text of a file, and the values that nobody gave.
struct ModelJob {
  std::string text;
  std::vector<std::string> assumptions;
};

ModelJob job_of_model(const std::string& model, const JobChanges& changes,
                      const std::vector<Override>& overrides) {
  load_cluster(reference(changes.cluster));  // so that errors refer to --on, not to the YAML text below
  std::vector<std::string> assumed;
  std::vector<std::string> options;
  const auto value = [&](const std::string& key, const std::string& option, std::int64_t usual,
                         const std::string& noun) {
    const auto said = overridden(overrides, key);
    if (said) return *said;
    assumed.push_back(fmt::format("{} {}", report::grouped(usual), noun));
    options.push_back(option);
    return usual;
  };
  const std::int64_t sequence = value("training.sequence_length", "--sequence",
                                      usual_sequence(load_model(reference(model))), "tokens per sequence");
  const std::int64_t batch =
      value("training.global_batch", "--batch", std::max<std::int64_t>(1, kTokensPerStep / sequence),
            "sequences per step");
  const std::int64_t micro_batch =
      value("training.micro_batch", "--micro-batch", 1, "sequence per micro-batch");
  ModelJob job;
  job.text = fmt::format(
      "name: {}\nmodel: {}\ncluster: {}\n"
      "training: {{sequence_length: {}, global_batch: {}, micro_batch: {}}}\n",
      yaml_quoted(fmt::format("{}-{}", name_of(model), name_of(changes.cluster))),
      yaml_quoted(reference(model)), yaml_quoted(reference(changes.cluster)), sequence, batch, micro_batch);
  if (!assumed.empty())
    job.assumptions.push_back(
        fmt::format("assumed: {}; set them with {}", fmt::join(assumed, ", "), fmt::join(options, ", ")));
  return job;
}

/// All changes of a command line to a job, in the order in which they apply.
std::vector<Override> overrides_of(const JobChanges& changes) {
  std::vector<Override> overrides = changes.short_ways;
  for (Override& setting : parse_settings(changes.settings)) overrides.push_back(std::move(setting));
  return overrides;
}

Override cluster_override(const JobChanges& changes) {
  return {.path = "cluster", .value = yaml_quoted(reference(changes.cluster))};
}

constexpr const char* kCommandLine = "<command line>";

}  // namespace

GivenInput::GivenInput(const std::string& text)
    : before_(std::exchange(given_input, text.empty() ? given_input : &text)) {}

GivenInput::~GivenInput() { given_input = before_; }

std::vector<Override> parse_settings(const std::vector<std::string>& settings) {
  std::vector<Override> overrides;
  for (const std::string& setting : settings) overrides.push_back(parse_setting(setting));
  return overrides;
}

std::string reference(const std::string& argument) {
  return is_file(argument) ? fs::absolute(argument).string() : argument;
}

NamedJobs load_changed_jobs(const std::string& job, const JobChanges& changes, Purpose purpose) {
  std::vector<Override> overrides = overrides_of(changes);
  if (changes.cluster.empty()) return {.jobs = load_named_jobs(job, overrides, purpose)};
  if (is_model(job)) {
    ModelJob made = job_of_model(job, changes, overrides);
    return {.jobs = parse_jobs(made.text, kCommandLine, overrides, purpose),
            .assumptions = std::move(made.assumptions)};
  }
  overrides.insert(overrides.begin(), cluster_override(changes));
  return {.jobs = load_named_jobs(job, overrides, purpose)};
}

JobSpec load_only_job(const std::string& job, const JobChanges& changes, const std::string& command,
                      Purpose purpose) {
  std::vector<JobSpec> jobs = load_changed_jobs(job, changes, purpose).jobs;
  if (jobs.size() == 1) return std::move(jobs.front());
  throw UsageError(fmt::format("'{}' holds {} jobs; {} takes one", job, jobs.size(), command));
}

std::string changed_job_text(const std::string& job, const JobChanges& changes,
                             const std::vector<Override>& further, const std::vector<std::string>& removed) {
  std::vector<Override> overrides = overrides_of(changes);
  const bool has_cluster = !changes.cluster.empty();
  if (has_cluster && is_model(job)) {
    const std::string text = job_of_model(job, changes, overrides).text;
    overrides.insert(overrides.end(), further.begin(), further.end());
    return parse_job_text(text, kCommandLine, overrides, removed);
  }
  if (has_cluster) overrides.insert(overrides.begin(), cluster_override(changes));
  overrides.insert(overrides.end(), further.begin(), further.end());
  if (job == "-") {
    const PipedJob piped = piped_job();
    return parse_job_text(piped.text, piped.name, overrides, removed);
  }
  return load_job_text(file_of(job, ConfigKind::jobs), overrides, removed);
}

std::vector<JobSpec> load_named_jobs(const std::string& job, const std::vector<Override>& overrides,
                                     Purpose purpose) {
  return load(job, ConfigKind::jobs, overrides, purpose);
}

std::vector<JobSpec> load_measured_jobs(const std::string& file, const std::vector<Override>& overrides) {
  return load(file, ConfigKind::measured, overrides, Purpose::score);
}

}  // namespace foreshard::cli
