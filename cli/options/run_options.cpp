#include "cli/options/run_options.hpp"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "cli/commands/command.hpp"
#include "cli/options/command_line.hpp"
#include "cli/options/offers.hpp"

namespace foreshard::cli {
namespace {

/// "10%" or "10"
double parse_tolerance(const std::string& text) {
  double percent = 0.0;
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, percent);
  const bool ends_well = rest == end || std::string_view(rest, end) == "%";
  if (problem != std::errc() || !ends_well || !(percent > 0.0))
    throw UsageError(fmt::format("--tolerance takes a percentage above 0, as in 10%, not '{}'", text));
  return percent / 100.0;
}

}  // namespace

void add_run_options(CLI::App& command, RunOptions& options) {
  command.add_option("JOB", options.job, "A job file or the name of a bundled job")
      ->required()
      ->check(offers(kOfferJobs))
      ->option_text(" ");
  command
      .add_option("--cluster", options.cluster,
                  "A cluster file that calibrate has written (or a cluster's name), in place of the job's")
      ->check(offers(kOfferClusters))
      ->option_text("FILE");
  command.add_option("--steps", options.steps, "Steps to measure; default 20")
      ->check(CLI::Range(1, 1'000'000))
      ->option_text("N");
  command
      .add_option("--tolerance", options.tolerance,
                  "Exit with 1 where the step's prediction is further off, as in 10%")
      ->option_text("PERCENT");
  command
      .add_option(
          "--basis", options.basis,
          "Predict from the cluster's constants (model), from a timing of this job's operations (replay), or "
          "both; default model with --cluster, else replay")
      ->check(one_of({"model", "replay", "both"}))
      ->option_text("BASIS");
  command.add_option("--format", options.format, "table (for people) or json; default table")
      ->check(one_of({"table", "json"}))
      ->option_text("FORMAT");
  command.add_flag("--no-numerics", options.no_numerics, "Skip the comparison with the unsharded run");
  command.add_option("--threads", options.threads, "Threads per rank; default its share of the cores")
      ->check(CLI::Range(1, 4096))
      ->option_text("N");
  command
      .add_option("--timeout", options.timeout, "Take an operation that lasts longer for a hang; default 60")
      ->check(CLI::Range(1.0, 1e6))
      ->option_text("SECONDS");
  command.add_option("--set", options.settings, "Replace one value of the job; may be repeated")
      ->allow_extra_args(false)
      ->check(offers(kOfferKeys))
      ->option_text("KEY=VALUE");
}

ValidationOptions validation_options(const RunOptions& options) {
  ValidationOptions validation{.steps = options.steps,
                               .basis = options.cluster.empty() ? Basis::replay : Basis::model,
                               .both = options.basis == "both",
                               .numerics = !options.no_numerics,
                               .threads = options.threads,
                               .timeout = Seconds(options.timeout)};
  if (options.basis == "model") validation.basis = Basis::model;
  if (options.basis == "replay") validation.basis = Basis::replay;
  if (!options.tolerance.empty()) validation.tolerance = parse_tolerance(options.tolerance);
  return validation;
}

}  // namespace foreshard::cli
