#include "planner/report/sweep_record.hpp"

#include <utility>

#include "planner/report/validation_record.hpp"

namespace foreshard::report {
namespace {

Fields entry_fields(const SweepEntry& entry) {
  if (entry.validation) return validation_fields(entry.job, *entry.validation);
  const ParallelismSpec& p = entry.job.parallelism;
  Fields fields{{"tp", p.tp}, {"pp", p.pp}, {"dp", p.dp}, {"why_not", entry.why_not}};
  append(fields, "job.", run_job_fields(entry.job));
  return fields;
}

}  // namespace

Record sweep_record(const JobSpec& job, const Sweep& sweep) {
  FieldRows variants;
  for (const SweepEntry& entry : sweep.entries) variants.rows.push_back(entry_fields(entry));
  return record_of({{"job", job.name}, {"variants", std::move(variants)}, {"same_order", sweep.same_order()}},
                   {"variants"});
}

}  // namespace foreshard::report
