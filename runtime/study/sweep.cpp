#include "runtime/study/sweep.hpp"

#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/execute/runtime_limits.hpp"

namespace foreshard {
namespace {

SweepEntry validate_variant(MpiSession& session, const Variant& variant, const ValidationOptions& options) {
  SweepEntry entry{.job = variant.job};
  if (variant.illegal) {
    entry.why_not = *variant.illegal;
    return entry;
  }
  const std::vector<std::string> lacks = what_the_runtime_lacks(variant.job);
  if (!lacks.empty()) {
    entry.why_not = fmt::format("{}", fmt::join(lacks, "; "));
    return entry;
  }
  entry.validation = validate_job(session, variant.job, options);
  return entry;
}

}  // namespace

Sweep sweep_job(MpiSession& session, std::span<const Variant> variants, const ValidationOptions& options) {
  Sweep sweep;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    ValidationOptions own = options;
    if (options.progress) {
      const std::string part =
          fmt::format("tp {}, {} of {}", variants[i].job.parallelism.tp, i + 1, variants.size());
      own.progress = [&options, part](const std::string& what, std::int64_t done, std::int64_t of) {
        options.progress(part + ": " + what, done, of);
      };
    }
    sweep.entries.push_back(validate_variant(session, variants[i], own));
  }
  return sweep;
}

}  // namespace foreshard
