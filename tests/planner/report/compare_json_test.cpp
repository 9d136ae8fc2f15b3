#include <algorithm>
#include <array>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/planner/report/sample_comparison.hpp"
#include "tests/planner/report/written.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using Json = nlohmann::ordered_json;

TEST_CASE("every variant is an object with its figures") {
  const Json result = Json::parse(compare_json(sample_comparison()));
  const Json& variants = result["variants"];
  REQUIRE(variants.size() == 4);

  const Json& legal = variants[2];
  CHECK(legal["variant"] == Json({{"tp", 4}}));
  CHECK(legal["legal"] == true);
  CHECK(legal["reason"].is_null());
  CHECK(legal["fits"] == true);
  CHECK(legal["largest_micro_batch"] == 2);
  CHECK(legal["longest_sequence"] == 12'288);
  // 2.5 USD/h · 64 / 3600 · 8 s / 4096 · 1e12
  CHECK(legal["dollars_per_1e12_tokens"].get<double>() == Approx(86'805'555.6));
  // 8 s / 4096 · 1e12 / 86,400
  CHECK(legal["days_per_1e12_tokens"].get<double>() == Approx(22'605.6).margin(0.1));
  CHECK(legal["break_even_dollars_per_device_hour"].is_null());
  CHECK(legal["speedup"].is_null());
  CHECK(legal["efficiency"].is_null());

  const Json& too_large = variants[0];
  CHECK(too_large["fits"] == false);
  CHECK(too_large["largest_micro_batch"].is_null());

  const Json& illegal = variants[1];
  CHECK(illegal["legal"] == false);
  CHECK(illegal["reason"] == "3 does not divide the model's 64 heads");
  CHECK(illegal["fits"].is_null());
  CHECK(illegal["estimate"].is_null());
}

TEST_CASE("an estimate is what plan prints") {
  const Comparison comparison = sample_comparison();
  const ComparedVariant& variant = comparison.variants[3];
  const std::array planned{PlannedJob{variant.variant.job, *variant.estimate}};
  CHECK(Json::parse(compare_json(comparison))["variants"][3]["estimate"] ==
        Json::parse(estimate_json(planned)));
}

TEST_CASE("the verdict points at variants") {
  const Json verdict = Json::parse(compare_json(sample_comparison()))["verdict"];
  CHECK(verdict["best"] == 2);
  CHECK(verdict["runner_up"] == 3);
  CHECK(verdict["tie"] == false);
  CHECK(verdict["cheapest"] == 2);
  CHECK(verdict["nearest"].is_null());
  CHECK(verdict["ahead"].get<double>() > 0.995);
  CHECK(verdict["text"][0] ==
        "Best: tp 4, by 25.0% over tp 8; with the kernels' error it is ahead in more than 95 of 100.");
}

TEST_CASE("choices that are words are strings") {
  ComparedVariant compared = sample_variant_with(Axis::recompute, Recompute::selective_ops, 8.0);
  choose(compared, Axis::cluster, std::string("dgx-h100"));
  compared.speedup = 1.5;
  const Json variant = Json::parse(compare_json(rank_variants({compared})))["variants"][0];
  CHECK(variant["variant"] == Json({{"recompute", "selective-ops"}, {"cluster", "dgx-h100"}}));
  CHECK(variant["speedup"] == 1.5);
}

TEST_CASE("a short CSV says of variants what people compare") {
  std::istringstream in(compare_short_csv(sample_comparison()));
  std::string header;
  std::getline(in, header);
  CHECK(header.substr(0, header.find(",estimate.")) ==
        "variant.tp,legal,reason,fits,dollars_per_1e12_tokens,days_per_1e12_tokens");
  CHECK(std::count(header.begin(), header.end(), ',') < 35);
}

TEST_CASE("one line of CSV per variant, as many cells in each") {
  std::istringstream in(compare_csv(sample_comparison()));
  std::string header;
  std::getline(in, header);
  CHECK(header.substr(0, header.find(",estimate.")) ==
        "variant.tp,legal,reason,fits,largest_micro_batch,longest_sequence,dollars_per_1e12_tokens,speedup,"
        "efficiency,days_per_1e12_tokens,break_even_dollars_per_device_hour");
  const auto commas = std::count(header.begin(), header.end(), ',');
  std::string line;
  std::getline(in, line);
  CHECK(line.starts_with("2,true,,false,,,"));
  std::getline(in, line);
  CHECK(line.starts_with("3,false,3 does not divide the model's 64 heads,,,,,,"));
  CHECK(std::count(line.begin(), line.end(), ',') == commas);
  std::getline(in, line);
  CHECK(line.starts_with("4,true,,true,2,12288,"));
  std::getline(in, line);
  CHECK(line.starts_with("8,"));
  CHECK_FALSE(std::getline(in, line));
}
