// fit_kernels: fits the constants of the kernel-time model to measured kernels, and prints the remaining
// errors.

#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "planner/spec/accelerator/write_accelerator.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/map_writer.hpp"
#include "tools/fit_kernels/fit_accelerator.hpp"
#include "tools/fit_kernels/judge_residuals.hpp"

namespace foreshard::fit {
namespace {

constexpr const char* kUsage =
    "usage: fit_kernels DIRECTORY [--judge | --residuals] [--accelerator NAME]...\n"
    "\n"
    "Fits each accelerator's constants to the sets of DIRECTORY (configs/physics) that its `fits` name, and "
    "prints\n"
    "the accelerator with them as YAML.\n"
    "  --judge             print how far the constants that it has are from each set, and by kind, type "
    "and time, as tables, and fit nothing\n"
    "  --residuals         print what interpolating the residuals of measured kernels would change on shapes "
    "left out, as a table,\n"
    "                      and fit nothing\n"
    "  --accelerator NAME  of configs/accelerators; unsaid, all of them that name a set\n";

struct Arguments {
  std::string directory;
  bool judge_only = false;
  bool residuals_only = false;
  std::vector<std::string> accelerators;
};

/// Parses the command line. @throws std::invalid_argument if it does not follow kUsage
Arguments parse(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--judge") {
      arguments.judge_only = true;
    } else if (words[i] == "--residuals") {
      arguments.residuals_only = true;
    } else if (words[i] == "--accelerator" && i + 1 < words.size()) {
      arguments.accelerators.push_back(words[++i]);
    } else if (words[i].empty() || words[i][0] == '-' || !arguments.directory.empty()) {
      throw std::invalid_argument("unexpected " + words[i] + "\n" + kUsage);
    } else {
      arguments.directory = words[i];
    }
  }
  if (arguments.directory.empty()) throw std::invalid_argument(kUsage);
  return arguments;
}

void print_row(const AcceleratorSpec& accelerator, const KernelFit& fit) {
  std::printf("| %s | %s | %s | %lld | %.1f%% | %.1f%% |\n", accelerator.name.c_str(), fit.data.c_str(),
              fit.fitted ? "fitted" : "judge", static_cast<long long>(fit.kernels), 100.0 * fit.mean_error,
              100.0 * fit.spread);
}

void print_judgement(const AcceleratorSpec& accelerator, const std::map<std::string, MeasuredSet>& sets) {
  for (const KernelFit& said : accelerator.fits) {
    KernelFit fit = judge(accelerator, said.data, sets.at(said.data));
    fit.fitted = said.fitted;
    print_row(accelerator, fit);
  }
}

const char* word_of_family(Family family) {
  switch (family) {
    case Family::gemm: return "products";
    case Family::grouped_gemm: return "experts' products";
    case Family::attention: return "attention";
    case Family::memory: return "passes";
    case Family::unfused: return "unfused attention";
  }
  return "";
}

void print_classes(const AcceleratorSpec& accelerator, const std::map<std::string, MeasuredSet>& sets) {
  for (const ClassFit& fit : judge_by_class(accelerator, sets)) {
    const std::string type = fit.family == Family::memory ? "-" : std::string(word_of(fit.type));
    std::printf("| %s | %s | %s | %s | %s | %lld | %.1f%% | %+.1f%% |\n", accelerator.name.c_str(),
                word_of_family(fit.family), type.c_str(), kClassRanges[fit.range],
                fit.fitted ? "fitted" : "judge", static_cast<long long>(fit.kernels), 100.0 * fit.mean_error,
                100.0 * fit.bias);
  }
}

std::string percent(const std::optional<double>& error) {
  if (!error) return "";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f%%", 100.0 * *error);
  return text.data();
}

void print_residuals(const AcceleratorSpec& accelerator, const std::map<std::string, MeasuredSet>& sets) {
  for (const ResidualGain& gain : judge_residuals(accelerator, sets)) {
    std::printf("| %s | %s | %s | %lld | %s | %s | %s |\n", accelerator.name.c_str(), gain.data.c_str(),
                gain.fitted ? "fitted" : "judge", static_cast<long long>(gain.kernels),
                percent(gain.error).c_str(), percent(gain.left_out).c_str(),
                percent(gain.from_fitted).c_str());
  }
}

/// Both tables of --judge: by set, and by kind, type and measured time.
void judge_all(const std::vector<AcceleratorSpec>& accelerators,
               const std::map<std::string, MeasuredSet>& sets) {
  std::printf(
      "| accelerator | set | | kernels | mean error | spread |\n| --- | --- | --- | --: | --: | --: |\n");
  for (const AcceleratorSpec& accelerator : accelerators) print_judgement(accelerator, sets);
  std::printf(
      "\n| accelerator | kind | type | measured time | | kernels | mean error | bias |\n"
      "| --- | --- | --- | --- | --- | --: | --: | --: |\n");
  for (const AcceleratorSpec& accelerator : accelerators) print_classes(accelerator, sets);
}

void judge_all_residuals(const std::vector<AcceleratorSpec>& accelerators,
                         const std::map<std::string, MeasuredSet>& sets) {
  std::printf(
      "| accelerator | set | | kernels | error | left-out shapes, with a table of the others | with tables "
      "of the "
      "fitted sets |\n| --- | --- | --- | --: | --: | --: | --: |\n");
  for (const AcceleratorSpec& accelerator : accelerators) print_residuals(accelerator, sets);
}

void run(const Arguments& arguments) {
  const std::map<std::string, MeasuredSet> sets = read_measured_kernels(arguments.directory);
  const bool all = arguments.accelerators.empty();
  std::vector<AcceleratorSpec> accelerators;
  for (const std::string& name : all ? bundled_names(ConfigKind::accelerators) : arguments.accelerators) {
    AcceleratorSpec accelerator = load_accelerator(name);
    if (!all || !accelerator.fits.empty()) accelerators.push_back(std::move(accelerator));
  }
  if (arguments.judge_only) {
    judge_all(accelerators, sets);
    return;
  }
  if (arguments.residuals_only) {
    judge_all_residuals(accelerators, sets);
    return;
  }
  for (const AcceleratorSpec& accelerator : accelerators)
    std::fputs(write_accelerator(fit_accelerator(accelerator, sets)).c_str(), stdout);
}

}  // namespace
}  // namespace foreshard::fit

int main(int argc, char** argv) {
  constexpr int kBadInput = 2;
  try {
    foreshard::fit::run(foreshard::fit::parse({argv + 1, argv + argc}));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fit_kernels: %s\n", error.what());
    return kBadInput;
  }
}
