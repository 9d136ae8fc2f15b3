#include "planner/report/plan_table.hpp"

#include <sstream>
#include <string>

#include "planner/report/plan_sections.hpp"
#include "planner/report/table.hpp"
#include "tests/planner/report/sample_plan.hpp"
#include "tests/planner/report/widest_line.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// The words of a text with single spaces between them, so that a test does not depend on line breaks.
std::string flowing(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string word; in >> word;) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace

TEST_CASE("the table begins with the job") {
  CHECK_THAT(
      flowing(plan_table(sample_plan())),
      ContainsSubstring("sample: Llama 3 70B on 8 × dgx-h100 (64 × NVIDIA H100 80GB SXM) tp 8, pp 4, dp 2 "
                        "· 8,192 tokens × 512 sequences · 256 micro-batches of 1 · bf16 · 1f1b"));
}

TEST_CASE("the verdict is in words, with its margin") {
  // 4096 tokens / 8 s / 64 GPUs = 8 tokens/s; 58 reserved + 3 context of 79 GiB.
  CHECK_THAT(
      flowing(plan_table(sample_plan())),
      ContainsSubstring("One step takes 8.00 s (7.50 – 8.75), 8.00 tokens/s per GPU, 55.0% MFU. It fits: "
                        "61.0 of 79.0 GiB per GPU, 18.0 GiB to spare."));
}

TEST_CASE("a job that does not fit says so first, by how much, and what to try") {
  PlannedJob planned = sample_plan();
  planned.estimate.memory.capacity = Bytes(std::int64_t{60} << 30);
  planned.estimate.memory.fits = false;
  planned.advice.remedies = {{.settings = {{"parallelism.zero", "1"}},
                              .job = planned.job,
                              .needed = Bytes(std::int64_t{55} << 30),
                              .step = Seconds(8.4),
                              .slowdown = 0.05},
                             {.settings = {{"training.recompute", "full"}, {"training.micro_batch", "1"}},
                              .job = planned.job,
                              .needed = Bytes(std::int64_t{50} << 30),
                              .step = Seconds(10.0),
                              .slowdown = 0.25}};
  const std::string text = flowing(plan_table(planned));
  CHECK_THAT(
      text, ContainsSubstring("It does not fit: stage 1 needs 61.0 of 60.0 GiB per GPU, 1.00 GiB too much."));
  CHECK_THAT(
      text, ContainsSubstring("It would fit with any of these changes, in the order in which one tries them: "
                              "55.0 of 60.0 GiB, step 8.40 s (+5.0%): --set parallelism.zero=1 "
                              "50.0 of 60.0 GiB, step 10.0 s (+25.0%): --set training.recompute=full --set "
                              "training.micro_batch=1 "));
  CHECK(text.find("It fits") == std::string::npos);
}

TEST_CASE("where only more devices help, that is said, and where nothing does") {
  PlannedJob planned = sample_plan();
  planned.estimate.memory.fits = false;
  planned.advice.plans = 1;
  CHECK_THAT(
      flowing(plan_table(planned)),
      ContainsSubstring("No change that was planned makes it fit, on 64 GPUs or on more nodes of them (1 "
                        "change tried)."));
  planned.advice.plans = 7;
  JobSpec larger = planned.job;
  larger.cluster.nodes = 16;
  planned.advice.remedies = {
      {.settings = {{"cluster.nodes", "16"}}, .job = larger, .needed = Bytes(1), .step = Seconds(4.0)}};
  CHECK_THAT(flowing(plan_table(planned)),
             ContainsSubstring("No change that was planned makes it fit on 64 GPUs (7 changes tried). On 128 "
                               "GPUs it would fit:"));
}

TEST_CASE("what such runs typically take stands beside the prediction") {
  PlannedJob planned = sample_plan();
  // 8.25 of 8 s
  CHECK_THAT(
      flowing(plan_table(planned)),
      ContainsSubstring("That is a healthy, tuned run. Published runs typically took 3.1% longer: 8.25 s "
                        "(8.00 – 8.50)."));
  // The user's own runs take the place of the prediction.
  planned.estimate.step.typical.own_runs = 3;
  const std::string own = flowing(plan_table(planned));
  CHECK_THAT(own, ContainsSubstring("One step takes 8.25 s (7.50 – 8.75)"));
  CHECK_THAT(own,
             ContainsSubstring("As 3 runs of yours have it: they took 3.1% longer than the 8.00 s of a"));
}

TEST_CASE("idle devices stand beside those in use") {
  PlannedJob planned = sample_plan();
  planned.job.cluster.idle_per_node = 1;
  CHECK_THAT(
      flowing(plan_table(planned)),
      ContainsSubstring("8 × dgx-h100 (64 × NVIDIA H100 80GB SXM, 1 of 9 in each node idle and paid for)"));
}

TEST_CASE("the whole run is told where the job says how long it is") {
  PlannedJob planned = sample_plan();
  CHECK_THAT(
      flowing(plan_table(planned)),
      ContainsSubstring("15 T tokens would take 2,401 days on 64 GPUs in 3,576,279 steps: 3.69 M GPU hours, "
                        "9.22 M USD at 2.50 USD/h per GPU, 4.70 GWh."));
  planned.job.training.tokens.reset();
  planned.job.training.dataset = DatasetSpec{.epochs = 3.0, .samples = 50'000};
  CHECK_THAT(flowing(plan_table(planned)),
             ContainsSubstring("3 epochs of 50,000 samples would take 2,401 days on 64 GPUs"));
  planned.job.training.dataset->epochs = 1.0;
  CHECK_THAT(flowing(plan_table(planned)), ContainsSubstring("1 epoch of 50,000 samples would take"));
  planned.job.training.dataset.reset();
  planned.estimate.training = {};
  CHECK(plan_table(planned).find("would take") == std::string::npos);
}

TEST_CASE("every cause of the step has a row with its share and its limit") {
  std::string rows;
  for (const std::string& line : report::step_table(sample_plan())) rows += line + '\n';
  // Limits: 0.75 of 1.0 s, 0.4 of 0.5 s; of the GEMMs 0.1 of 3.5 s is not worth a word. Shares of 8 s; the
  // bubble of 4 stages and 512 / 2 micro-batches is 3 of 259 slots.
  CHECK(rows ==
        "where the step goes            s      %  what limits it\n"
        "  GEMMs                     3.50   43.8  compute, 71% of peak\n"
        "  attention core            1.00   12.5  compute 75%, memory bandwidth 25%\n"
        "  norms, activations, loss  0.50    6.2  memory bandwidth 80%, kernel launches 20%\n"
        "  tp, exposed               1.25   15.6  NVSwitch, 450 GB/s\n"
        "  cp, exposed               0.03    0.4  NVSwitch, 450 GB/s\n"
        "  ep, exposed               0.02    0.2  NVSwitch, 450 GB/s\n"
        "  pp, exposed               0.06    0.8  network, 400 Gbit/s\n"
        "  dp, exposed               0.75    9.4  network, 400 Gbit/s\n"
        "  pipeline bubble           0.50    6.2  1f1b: 3 of 259 slots\n"
        "  optimizer                 0.25    3.1  memory bandwidth, 3.35 TB/s\n"
        "  host and the rest         0.14    1.8\n"
        "  step                      8.00  100.0\n");
}

TEST_CASE("links are named by where the group lies") {
  const JobSpec job = sample_job();
  CHECK(report::link_of(job, CommAxis::tp) == "NVSwitch, 450 GB/s");
  CHECK(report::link_of(job, CommAxis::dp) == "network, 400 Gbit/s");
  CHECK(report::link_of(job, CommAxis::pp) == "network, 400 Gbit/s");
}

TEST_CASE("axes without traffic and causes without time have no rows") {
  PlannedJob planned = sample_plan();
  planned.estimate.communication = {};
  planned.estimate.step.breakdown.bubble = Seconds(0.0);
  const std::string text = plan_table(planned);
  CHECK(text.find("communication per step") == std::string::npos);
  CHECK(text.find("pipeline bubble") == std::string::npos);
}

TEST_CASE("devices of a CPU cluster are not called GPUs") {
  PlannedJob planned = sample_plan();
  planned.job.cluster.accelerator.is_cpu = true;
  planned.job.cluster.accelerator.full_name = "CPU";
  CHECK(plan_table(planned).find("GPU") == std::string::npos);
  CHECK_THAT(plan_table(planned), ContainsSubstring("tokens/s per device"));
}

TEST_CASE("no line is wider than 100 columns, however long the names") {
  PlannedJob planned = sample_plan();
  CHECK(widest_line(plan_table(planned)) <= 100);
  planned.job.model.name = std::string(230, 'm');
  planned.job.cluster.name = "a cluster × with a name " + std::string(120, 'c');
  planned.estimate.notes.push_back(std::string(150, 'n') + " and more");
  planned.estimate.memory.stages.resize(64, planned.estimate.memory.stages[0]);
  CHECK(widest_line(plan_table(planned)) <= 100);
}
