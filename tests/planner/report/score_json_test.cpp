#include <string>

#include "tests/planner/report/sample_score.hpp"
#include "tests/planner/report/written.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("the JSON of a score has every case, source and statistic under its documented key") {
  // One case: 8 s within 6 … 10, 10 s measured; 44 of 40 GiB.
  CHECK(score_json(score({sample_cases().front()})) == R"json({
  "cases": [
    {
      "name": "first",
      "source": "paper",
      "predicted_s": 8.0,
      "low_s": 6.0,
      "high_s": 10.0,
      "measured_s": 10.0,
      "error": -0.19999999999999996,
      "has_experts": false,
      "precision": "",
      "accelerator": "",
      "framework": "",
      "left_out": false,
      "in_band": true,
      "memory_kind": "allocated",
      "predicted_memory_bytes": 47244640256,
      "measured_memory_bytes": 42949672960,
      "memory_error": 0.1,
      "outcome": null,
      "verdict": null,
      "verdict_is_right": null
    }
  ],
  "sources": {
    "paper": {
      "n": 1,
      "mean_abs_error": 0.19999999999999996,
      "median_abs_error": 0.19999999999999996,
      "p90_abs_error": 0.19999999999999996,
      "bias": -0.19999999999999996,
      "coverage": 1.0,
      "memory": {
        "allocated": {
          "n": 1,
          "mean_abs_error": 0.1,
          "median_abs_error": 0.1,
          "p90_abs_error": 0.1,
          "bias": 0.1,
          "facts_known": {
            "n": 0,
            "mean_abs_error": null,
            "worst_abs_error": null,
            "bias": null
          },
          "facts_assumed": {
            "n": 1,
            "mean_abs_error": 0.1,
            "worst_abs_error": 0.1,
            "bias": 0.1
          }
        },
        "reserved": null,
        "other": null
      },
      "verdicts": {
        "n": 0,
        "right": 0,
        "ran_but_refused": 0,
        "oom_but_allowed": 0,
        "close": 0
      },
      "ranking": {
        "groups": 0,
        "rank_correlation": null,
        "regret": null,
        "clear_pairs": 0,
        "right_pairs": 0
      }
    }
  },
  "runs": [],
  "not_judged": [],
  "all": {
    "n": 1,
    "mean_abs_error": 0.19999999999999996,
    "median_abs_error": 0.19999999999999996,
    "p90_abs_error": 0.19999999999999996,
    "bias": -0.19999999999999996,
    "coverage": 1.0,
    "memory": {
      "allocated": {
        "n": 1,
        "mean_abs_error": 0.1,
        "median_abs_error": 0.1,
        "p90_abs_error": 0.1,
        "bias": 0.1,
        "facts_known": {
          "n": 0,
          "mean_abs_error": null,
          "worst_abs_error": null,
          "bias": null
        },
        "facts_assumed": {
          "n": 1,
          "mean_abs_error": 0.1,
          "worst_abs_error": 0.1,
          "bias": 0.1
        }
      },
      "reserved": null,
      "other": null
    },
    "verdicts": {
      "n": 0,
      "right": 0,
      "ran_but_refused": 0,
      "oom_but_allowed": 0,
      "close": 0
    },
    "ranking": {
      "groups": 0,
      "rank_correlation": null,
      "regret": null,
      "clear_pairs": 0,
      "right_pairs": 0
    }
  },
  "splits": [],
  "verdict": {
    "text": [
      "Step times of 1 measured run are 20.0% off on average (median 20.0%, nine of ten within 20.0%), with a bias of −20.0%; 100.0% lie in their predicted band."
    ]
  }
}
)json");
}

TEST_CASE("the name of a source is a key as it is, dots and all") {
  ScoredCase scored = sample_case({.source = "runs.v2"});
  CHECK_THAT(score_json(score({scored})), ContainsSubstring("    \"runs.v2\": {\n      \"n\": 1,"));
}

TEST_CASE("the band stands in the JSON where it was asked for") {
  Score result = score(sample_cases());
  CHECK(score_json(result).find("\"band\"") == std::string::npos);
  result.band = fit_band(result.cases);
  // The blog's one case lies at 100/96 − 1; the paper's at +25% and −33.3% do not lie there.
  CHECK_THAT(score_json(result), ContainsSubstring("  \"band\": {\n    \"share\": 0.8,\n"));
  CHECK_THAT(score_json(result), ContainsSubstring("      \"paper\": {\n"
                                                   "        \"n\": 2,\n"
                                                   "        \"systematic_error\": 0.0,\n"));
}

TEST_CASE("the CSV of a score has one row per case") {
  CHECK(score_csv(score({sample_cases()[0], sample_case({.name = "a, b", .predicted = 2.0})})) ==
        "name,source,predicted_s,low_s,high_s,measured_s,error,has_experts,precision,accelerator,framework,"
        "left_out,in_band,memory_kind,predicted_memory_bytes,"
        "measured_memory_bytes,memory_error,outcome,verdict,verdict_is_right\n"
        "first,paper,8,6,10,10,-0.19999999999999996,false,,,,false,true,allocated,47244640256,42949672960,0."
        "1,,,\n"
        "\"a, b\",paper,2,2,2,1,1,false,,,,false,false,,,,,,,\n");
}
