#include "planner/report/band_section.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "planner/cost/step/error_band.hpp"
#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

/// "−6.0% to +19.0%"
std::string band_of(const Deviations& deviations) {
  return fmt::format("{} to {}", signed_percent(deviations.tenth), signed_percent(deviations.nine_tenths));
}

void add_row(Table& table, const std::string& name, const Deviations& deviations) {
  table.row({name, signed_percent(deviations.tenth), signed_percent(deviations.quarter),
             signed_percent(deviations.median), signed_percent(deviations.three_quarters),
             signed_percent(deviations.nine_tenths)});
}

}  // namespace

std::vector<std::string> band_words(const BandFit& fit) {
  std::string text = fmt::format(
      "Bands that hold {:.0f}% of the runs of one source more ask for {} around the prediction of a dense "
      "model on a measured accelerator; foreshard's is {}. They hold {} of these runs.",
      100.0 * kBandShare, band_of(fit.deviations), band_of(kPublished), percent(fit.coverage));
  if (fit.held_out_coverage) {
    text += fmt::format(
        " With each source's bands taken from the other sources alone, {} of the runs lie in their bands, "
        "and "
        "{} of a source's runs on average.",
        percent(*fit.held_out_coverage), percent(*fit.held_out_per_source));
  }
  if (fit.own_runs) {
    text += fmt::format(
        " Corrected by three others of the same source and accelerator, {} are {} off instead of {}.",
        counted(static_cast<std::int64_t>(fit.own_runs->n), "run"), percent(fit.own_runs->corrected),
        percent(fit.own_runs->before));
  }
  return wrapped(text, 0, 0);
}

std::vector<std::string> deviation_table(const BandFit& fit) {
  Table table({{"measured / predicted − 1", Align::left},
               {"tenth"},
               {"quarter"},
               {"median"},
               {"three quarters"},
               {"nine tenths"}});
  add_row(table, "these runs", fit.deviations);
  add_row(table, "foreshard's bands", kPublished);
  if (fit.own_runs) add_row(table, "these runs, corrected", fit.own_runs->deviations);
  add_row(table, "foreshard's with own runs", kAroundOwnRuns);
  return table.lines();
}

std::vector<std::string> band_table(const BandFit& fit) {
  if (fit.held_out.empty()) return {};
  Table table({{"source held out", Align::left}, {"cases"}, {"band of the others"}, {"in its band"}});
  for (const HeldOutSource& source : fit.held_out) {
    table.row({shortened(source.name, kWidestSource), grouped(static_cast<std::int64_t>(source.n)),
               band_of(source.others), percent(source.coverage)});
  }
  return table.lines();
}

}  // namespace foreshard::report
