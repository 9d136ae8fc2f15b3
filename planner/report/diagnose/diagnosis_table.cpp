#include "planner/report/diagnose/diagnosis_table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "planner/report/diagnose/part_remarks.hpp"
#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

using namespace report;
using Lines = std::vector<std::string>;

constexpr std::size_t kMostCollectives = 10;

std::string indented(const Lines& lines, std::size_t indent) {
  std::string text;
  for (const std::string& line : lines) text += std::string(indent, ' ') + line + '\n';
  return text;
}

std::string verdict(const Diagnosis& diagnosis) {
  const std::string plan = fmt::format("{} ({} – {})", with_unit(diagnosis.planned),
                                       with_unit(diagnosis.planned_low), with_unit(diagnosis.planned_high));
  return indented(wrapped(fmt::format("Your step takes {}; this plan should take {}: you reach {}.",
                                      with_unit(diagnosis.measured), plan, percent(diagnosis.reached)),
                          0, 0),
                  0);
}

/// Parts with what stands out about them; below each other where the page is too narrow.
Lines part_table(const TraceDiagnosis& trace, bool has_remarks) {
  const Seconds planned_step = std::accumulate(trace.planned.begin(), trace.planned.end(), Seconds());
  const Unit unit = time_unit(std::min(trace.step, planned_step));
  std::vector<Column> columns{{"part", Align::left}, {"planned, " + unit.name}, {"yours"}, {"% of yours"}};
  if (has_remarks) columns.push_back({"what stands out", Align::left});
  Table table(columns);
  const auto row = [&](std::string name, Seconds planned, Seconds measured, std::string remark) {
    std::vector<std::string> cells{std::move(name), in_unit(planned.value(), unit),
                                   in_unit(measured.value(), unit),
                                   fixed(100.0 * (measured / trace.step), 1)};
    if (has_remarks) cells.push_back(std::move(remark));
    table.row(std::move(cells));
  };
  Lines remarks;
  for (std::size_t p = 0; p < kDiagnosedPartCount; ++p) {
    const auto part = static_cast<DiagnosedPart>(p);
    if (std::max(trace.planned[p], trace.measured[p]) < 0.0005 * std::min(trace.step, planned_step)) continue;
    const std::string remark = diagnosed_remark(part, trace);
    row(fmt::format("  {}", diagnosed_name(part)), trace.planned[p], trace.measured[p], remark);
    if (!remark.empty()) remarks.push_back(fmt::format("{}: {}", diagnosed_name(part), remark));
  }
  row("  step", planned_step, trace.step, "");
  Lines lines = table.lines();
  if (has_remarks) return lines;
  for (const std::string& remark : remarks) {
    for (std::string& line : wrapped(remark, kIndent, 2 * kIndent, PageWidth::columns() - kIndent))
      lines.push_back(std::move(line));
  }
  return lines;
}

Lines part_lines(const TraceDiagnosis& trace) {
  const Lines whole = part_table(trace, true);
  const bool is_wide = std::any_of(whole.begin(), whole.end(), [](const std::string& line) {
    return display_width(line) + kIndent > PageWidth::columns();
  });
  return is_wide ? part_table(trace, false) : whole;
}

std::string who(const DiagnosedCollective& collective) {
  const std::string axis = collective.axis ? std::string(to_string(*collective.axis)) : "?";
  const std::int64_t members = collective.traced.members;
  return members > 0 ? fmt::format("{} of {}", axis, members) : axis;
}

Lines collective_lines(const TraceDiagnosis& trace) {
  if (trace.collectives.empty()) return {};
  const Unit unit = time_unit(trace.collectives.front().traced.time);
  Table table({{"collectives of a step", Align::left},
               {"group", Align::left},
               {"bytes"},
               {"calls"},
               {"time, " + unit.name},
               {"exposed"},
               {"bus GB/s"},
               {"planner's"}});
  const auto rate = [](const std::optional<BytesPerSecond>& bus) {
    return bus ? significant(bus->value() / 1e9) : std::string("–");
  };
  for (std::size_t i = 0; i < std::min(kMostCollectives, trace.collectives.size()); ++i) {
    const DiagnosedCollective& one = trace.collectives[i];
    const Bytes payload = one.traced.payload;
    table.row({fmt::format("  {}", one.traced.kind), who(one), payload == Bytes() ? "–" : with_unit(payload),
               significant(one.calls), in_unit(one.traced.time.value(), unit),
               in_unit(one.traced.exposed.value(), unit), rate(one.bus), rate(one.planned_bus)});
  }
  return table.lines();
}

std::string trace_text(const TraceDiagnosis& trace) {
  std::string text = "\n" + indented(part_lines(trace), kIndent);
  if (const Lines lines = collective_lines(trace); !lines.empty()) text += "\n" + indented(lines, kIndent);
  const std::string where = trace.device.empty() ? "" : " on " + trace.device;
  const std::string rank = trace.rank ? fmt::format(" of rank {}", *trace.rank) : "";
  const auto note = [&](const std::string& words) {
    text += indented(wrapped("note: " + words, kIndent, 2 * kIndent), 0);
  };
  text += "\n";
  note(fmt::format("{}{}{}, {} kernels; the plan is the mean over devices", counted(trace.steps, "step"),
                   rank, where, grouped(trace.kernels)));
  if (!trace.are_marked)
    note("the trace marks no steps (ProfilerStep#): it counts as one step from first to last kernel");
  note("a collective's time has its wait for the last rank in it");
  return text;
}

std::string log_text(const LoggedTimes& log, const std::string& source) {
  const double spread = (log.upper_quartile - log.lower_quartile) / (2.0 * log.median);
  std::string text =
      "\n" +
      indented(wrapped(fmt::format("The log has {}: median {}, half of them within {} and {} (±{}), {} "
                                   "beyond 1.5 times that distance, drift {} from the first third to "
                                   "the last.",
                                   counted(log.steps, "step"), with_unit(log.median),
                                   with_unit(log.lower_quartile), with_unit(log.upper_quartile),
                                   percent(spread), grouped(log.outliers), signed_percent(log.drift)),
                       kIndent, kIndent),
               0);
  text += "\n  measured:\n";
  text += fmt::format("    step_time: {:.6g} s\n", log.median.value());
  if (log.memory) {
    text += fmt::format("    peak_memory: {:.5g} GiB\n    memory_kind: reserved\n",
                        log.memory->as_double() / kGibi);
  }
  text += fmt::format("    source: \"{}: median of {}\"\n", source, counted(log.steps, "step"));
  return text;
}

}  // namespace

std::string diagnosis_table(const JobSpec& job, const Diagnosis& diagnosis, const std::string& source) {
  std::string text = verdict(diagnosis);
  text += indented(
      wrapped(fmt::format("{}: {} on {}", job.name, job.model.name, devices(job, job.cluster.devices())), 0,
              0),
      0);
  if (diagnosis.trace) text += trace_text(*diagnosis.trace);
  if (diagnosis.log) text += log_text(*diagnosis.log, source);
  return text;
}

namespace report {
namespace {

FieldValue rate_or_null(const std::optional<BytesPerSecond>& rate) {
  return rate ? FieldValue(rate->value()) : FieldValue(std::monostate{});
}

FieldRows part_rows(const TraceDiagnosis& trace) {
  FieldRows rows;
  for (std::size_t p = 0; p < kDiagnosedPartCount; ++p) {
    const auto part = static_cast<DiagnosedPart>(p);
    rows.rows.push_back({{"part", std::string(diagnosed_key(part))},
                         {"planned_s", trace.planned[p].value()},
                         {"measured_s", trace.measured[p].value()},
                         {"remark", diagnosed_remark(part, trace)}});
  }
  return rows;
}

FieldRows collective_rows(const TraceDiagnosis& trace) {
  FieldRows rows;
  for (const DiagnosedCollective& one : trace.collectives)
    rows.rows.push_back(
        {{"kind", std::string(one.traced.kind)},
         {"axis", one.axis ? FieldValue(std::string(to_string(*one.axis))) : FieldValue(std::monostate{})},
         {"group", one.traced.group},
         {"description", one.traced.description},
         {"members", one.traced.members},
         {"bytes", one.traced.payload.value()},
         {"calls", one.calls},
         {"time_s", one.traced.time.value()},
         {"exposed_s", one.traced.exposed.value()},
         {"bus_bandwidth", rate_or_null(one.bus)},
         {"planned_bus_bandwidth", rate_or_null(one.planned_bus)}});
  return rows;
}

Fields log_fields(const LoggedTimes& log) {
  return {{"steps", log.steps},
          {"median_s", log.median.value()},
          {"lower_quartile_s", log.lower_quartile.value()},
          {"upper_quartile_s", log.upper_quartile.value()},
          {"outliers", log.outliers},
          {"drift", log.drift},
          {"peak_memory_bytes", log.memory ? FieldValue(log.memory->value()) : FieldValue(std::monostate{})}};
}

}  // namespace

Record diagnosis_record(const JobSpec& job, const Diagnosis& diagnosis) {
  Fields fields{{"job.name", job.name},
                {"diagnose.reached", diagnosis.reached},
                {"diagnose.planned_s", diagnosis.planned.value()},
                {"diagnose.planned_low_s", diagnosis.planned_low.value()},
                {"diagnose.planned_high_s", diagnosis.planned_high.value()},
                {"diagnose.measured_s", diagnosis.measured.value()}};
  if (diagnosis.trace) {
    fields.push_back({"diagnose.steps", diagnosis.trace->steps});
    fields.push_back({"diagnose.steps_are_marked", diagnosis.trace->are_marked});
    fields.push_back({"diagnose.rows", part_rows(*diagnosis.trace)});
    fields.push_back({"diagnose.collectives", collective_rows(*diagnosis.trace)});
  }
  if (diagnosis.log) append(fields, "diagnose.log.", log_fields(*diagnosis.log));
  return record_of(std::move(fields));
}

}  // namespace report
}  // namespace foreshard
