#include "planner/report/score_table.hpp"

#include <algorithm>
#include <sstream>
#include <string>

#include "planner/report/table.hpp"
#include "tests/planner/report/sample_score.hpp"
#include "tests/planner/report/widest_line.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("the score says first how far off it is, then case by case, then by source") {
  // Errors −20%, +50%, −4%: mean size 74/3 = 24.7%, median 20%, 90% at 20 + 0.8·30 = 44%, bias 26/3 = 8.7%.
  // The paper's two plans took 10 and 0.5 s, and the first was predicted slower.
  // The paper alone: mean and median 35%, 90% at 20 + 0.9·30 = 47%, bias 15%.
  CHECK(
      score_table(score(sample_cases())) ==
      "Step times of 3 measured runs are 24.7% off on average (median 20.0%, nine of ten within 44.0%),\n"
      "with a bias of +8.7%; 66.7% lie in their predicted band. Of 1 pair of such plans that differ by more\n"
      "than 10%, 100.0% are ordered right.\n"
      "\n"
      "  step time, s  predicted           band  measured   error\n"
      "  paper\n"
      "    first            8.00    6.00 – 10.0      10.0  −20.0%\n"
      "    second          0.750  0.656 – 0.844     0.500  +50.0%  ✗\n"
      "  blog\n"
      "    third            96.0     84.0 – 108       100   −4.0%\n"
      "\n"
      "  peak memory, GiB  predicted  measured   error  kind\n"
      "  paper\n"
      "    first                44.0      40.0  +10.0%  allocated\n"
      "  blog\n"
      "    third                15.0      20.0  −25.0%  other\n"
      "\n"
      "  step time by source  cases  |error|  median    90%    bias  in band  groups  rank  regret   "
      "pairs\n"
      "  paper                    2    35.0%   35.0%  47.0%  +15.0%    50.0%       –     –       –  "
      "100.0%\n"
      "  blog                     1     4.0%    4.0%   4.0%   −4.0%   100.0%       –     –       –  "
      "     –\n"
      "  all                      3    24.7%   20.0%  44.0%   +8.7%    66.7%       –     –       –  "
      "100.0%\n"
      "\n"
      "  peak memory by source  kind       cases  mean |error|  median    90%    bias\n"
      "  paper                  allocated      1         10.0%   10.0%  10.0%  +10.0%\n"
      "  blog                   other          1         25.0%   25.0%  25.0%  −25.0%\n"
      "  all                    allocated      1         10.0%   10.0%  10.0%  +10.0%\n"
      "  all                    other          1         25.0%   25.0%  25.0%  −25.0%\n"
      "\n"
      "  peak memory by what is known      kind       cases  mean |error|  worst    bias\n"
      "  something is assumed or left out  allocated      1         10.0%  10.0%  +10.0%\n"
      "  something is assumed or left out  other          1         25.0%  25.0%  −25.0%\n"
      "\n"
      "  error: predicted / measured − 1. ✗: measured outside the predicted band. Groups: at least 3 plans\n"
      "  of one model, batch and set of devices, repeats of one job counted once; rank: Spearman's\n"
      "  correlation in them; regret: how much longer the plan predicted fastest takes than the fastest;\n"
      "  pairs: of two plans that differ by more than 10%, the share that is ordered right.\n"
      "  Memory of kind other, of which the source does not say what it counts, is compared with "
      "reserved.\n");
}

TEST_CASE("a single source needs no sum, and memory that nobody measured no table") {
  const std::string text = score_table(score({sample_case({})}));
  CHECK(text.find("  all ") == std::string::npos);
  CHECK(text.find("memory") == std::string::npos);
}

TEST_CASE("groups of plans are told of in words and figures") {
  // Predicted 1, 2, 3 for 6, 4, 8: ranks 1 2 3 against 2 1 3, d = 1, 1, 0, and 1 − 12/24; 6 s where 4 would
  // do.
  const std::string text = score_table(score({sample_case({.predicted = 1.0, .measured = 6.0}),
                                              sample_case({.predicted = 2.0, .measured = 4.0}),
                                              sample_case({.predicted = 3.0, .measured = 8.0})}));
  CHECK_THAT(text, ContainsSubstring("In 1 group of plans"));
  // All three pairs differ by more than 10%; 6 and 4 s are predicted the wrong way round.
  CHECK_THAT(text, ContainsSubstring("  1  0.50   50.0%  66.7%\n"));
  CHECK_THAT(text, ContainsSubstring("Of 3 pairs of such plans that differ by more than 10%, 66.7% are"));
}

TEST_CASE("where only the worst are shown it is said") {
  Score result = score(sample_cases());
  result.cases = worst_cases(std::move(result.cases), 1);
  const std::string one = score_table(result);
  CHECK_THAT(one, ContainsSubstring("    second "));
  CHECK(one.find("    first ") == std::string::npos);
  CHECK_THAT(one, ContainsSubstring("Shown are the 1 worst of 3 cases; statistics are of all.\n"));
  result.cases.clear();
  const std::string none = score_table(result);
  CHECK(none.find("step time, s") == std::string::npos);
  CHECK(none.find("Shown are") == std::string::npos);
}

TEST_CASE("the band that cases ask for is told with what sources ask of each other") {
  Score result = score(sample_cases());
  result.band = fit_band(result.cases);
  // measured / predicted − 1: +25% and −33.3% of the paper, +4.2% of the blog. The paper's band is that of
  // the blog alone, which holds none of its cases; the blog's reaches from −33.3% to +25%.
  const std::string text = score_table(result);
  CHECK_THAT(text, ContainsSubstring("ask for −33.3% to +25.0% around the prediction"));
  CHECK_THAT(text, ContainsSubstring("  source held out  cases  band of the others  in its band\n"
                                     "  paper                2      +4.2% to +4.2%         0.0%\n"
                                     "  blog                 1    −33.3% to +25.0%       100.0%\n"));
}

TEST_CASE("no line of a score is wider than 100 columns, however long the names") {
  std::vector<ScoredCase> cases = sample_cases();
  cases[0].name = std::string(150, 'n');
  for (ScoredCase& scored : cases) {
    scored.source = std::string(150, 's') + scored.source;
    scored.predicted = Seconds(123'456.7);
    scored.low = scored.high = Seconds(123'456.7);
    scored.measured = Seconds(987'654.3);
  }
  Score result = score(cases);
  result.band = fit_band(result.cases);
  CHECK(widest_line(score_table(result)) <= 100);
}

TEST_CASE("runs that no key expresses stand apart with the reason") {
  ScoredCase other = sample_case({.name = "other", .predicted = 1.0, .measured = 2.0});
  other.not_judged = "a schedule of its own";
  const std::string text = score_table(score({sample_case({}), other}));
  CHECK_THAT(text, ContainsSubstring("1 further run did what no key expresses: listed,"));
  CHECK_THAT(text,
             ContainsSubstring("    other             1.00      2.00  −50.0%  a schedule of its own\n"));
}
