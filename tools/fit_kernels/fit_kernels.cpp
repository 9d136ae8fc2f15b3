// fit_kernels: fits the constants of the kernel-time model to measured kernels, and prints the remaining
// errors.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "planner/spec/accelerator/write_accelerator.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/map_writer.hpp"
#include "tools/fit_kernels/fit_accelerator.hpp"

namespace foreshard::fit {
namespace {

constexpr const char* kUsage =
    "usage: fit_kernels DIRECTORY [--judge] [--accelerator NAME]...\n"
    "\n"
    "Fits each accelerator's constants to the sets of DIRECTORY (configs/physics) that its `fits` name, and "
    "prints\n"
    "the accelerator with them as YAML.\n"
    "  --judge             print how far the constants that it has are from each set, as a table, and fit "
    "nothing\n"
    "  --accelerator NAME  of configs/accelerators; unsaid, all of them that name a set\n";

struct Arguments {
  std::string directory;
  bool judge_only = false;
  std::vector<std::string> accelerators;
};

/// Parses the command line. @throws std::invalid_argument if it does not follow kUsage
Arguments parse(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--judge") {
      arguments.judge_only = true;
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

void run(const Arguments& arguments) {
  const std::map<std::string, MeasuredSet> sets = read_measured_kernels(arguments.directory);
  const bool all = arguments.accelerators.empty();
  if (arguments.judge_only) {
    std::printf(
        "| accelerator | set | | kernels | mean error | spread |\n| --- | --- | --- | --: | --: | --: |\n");
  }
  for (const std::string& name : all ? bundled_names(ConfigKind::accelerators) : arguments.accelerators) {
    const AcceleratorSpec accelerator = load_accelerator(name);
    if (all && accelerator.fits.empty()) continue;
    if (arguments.judge_only) {
      print_judgement(accelerator, sets);
    } else {
      std::fputs(write_accelerator(fit_accelerator(accelerator, sets)).c_str(), stdout);
    }
  }
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
