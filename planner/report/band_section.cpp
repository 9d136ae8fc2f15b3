#include "planner/report/band_section.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "planner/cost/step/error_band.hpp"
#include "planner/report/format.hpp"
#include "planner/report/table.hpp"

namespace foreshard::report {

std::vector<std::string> band_words(const BandFit& fit) {
  std::string text = fmt::format(
      "Bands that hold {:.0f}% of these runs ask for a systematic error of {} beside the kernels' "
      "spread; foreshard's is {} (kSystematicError).",
      100.0 * kBandShare, percent(fit.systematic), percent(kSystematicError));
  if (fit.held_out_coverage) {
    text += fmt::format(" With each source's taken from the other sources alone, {} lie in their bands.",
                        percent(*fit.held_out_coverage));
  }
  return wrapped(text, 0, 0);
}

std::vector<std::string> band_table(const BandFit& fit) {
  if (fit.held_out.empty()) return {};
  Table table({{"source held out", Align::left}, {"cases"}, {"error of the others"}, {"in its band"}});
  for (const HeldOutSource& source : fit.held_out) {
    table.row({shortened(source.name, kWidestSource), grouped(static_cast<std::int64_t>(source.n)),
               percent(source.systematic), percent(source.coverage)});
  }
  return table.lines();
}

}  // namespace foreshard::report
