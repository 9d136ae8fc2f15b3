#include "planner/report/score_record.hpp"

#include <string>
#include <utility>
#include <vector>

#include "planner/report/score_fields.hpp"
#include "planner/report/score_words.hpp"

namespace foreshard::report {

Record score_record(const Score& score) {
  FieldRows cases;
  for (const ScoredCase& scored : score.cases) cases.rows.push_back(case_fields(scored));
  NamedFields sources;
  for (const SourceScore& source : score.sources)
    sources.members.emplace_back(source.name, source_fields(source));
  Fields fields{{"cases", std::move(cases)}, {"sources", std::move(sources)}};
  FieldRows runs;
  for (const ScoredRun& run : score.runs) runs.rows.push_back(run_fields(run));
  fields.push_back({"runs", std::move(runs)});
  FieldRows not_judged;
  for (const ScoredCase& scored : score.not_judged) {
    not_judged.rows.push_back(case_fields(scored));
    not_judged.rows.back().push_back({"why", scored.not_judged});
  }
  fields.push_back({"not_judged", std::move(not_judged)});
  append(fields, "all.", source_fields(score.all));
  FieldRows splits;
  for (const SplitScore& split : score.splits) splits.rows.push_back(split_fields(split));
  fields.push_back({"splits", std::move(splits)});
  if (score.noise) append(fields, "noise.", noise_fields(*score.noise));
  if (score.band) {
    NamedFields held_out;
    for (const HeldOutSource& source : score.band->held_out)
      held_out.members.emplace_back(source.name, held_out_fields(source));
    append(fields, "band.", band_fields(*score.band));
    fields.push_back({"band.held_out", std::move(held_out)});
  }
  const std::string words = score_words(score);
  fields.push_back({"verdict.text", words.empty() ? std::vector<std::string>{} : std::vector{words}});
  return record_of(std::move(fields), {"cases"});
}

}  // namespace foreshard::report
