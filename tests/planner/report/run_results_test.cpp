// The results of foreshard-run's commands except validations, and the bundled configs, as tables and records.

#include <string>
#include <vector>

#include "planner/report/calibration_record.hpp"
#include "planner/report/calibration_table.hpp"
#include "planner/report/devices_record.hpp"
#include "planner/report/devices_table.hpp"
#include "planner/report/list_record.hpp"
#include "planner/report/list_table.hpp"
#include "planner/report/training_record.hpp"
#include "planner/report/training_table.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

namespace foreshard::test {
namespace {

CalibrationResult two_ranks_measured() {
  CalibrationResult result;
  result.cluster = round_cluster(1, 2);
  result.cluster.name = "mine";
  result.families = {
      {.name = "matrix products", .measured = 40, .rate = FlopsPerSecond(5e14), .mean_error = 0.03},
      {.name = "all-reduce",
       .place = CalibratedPlace::within_host,
       .measured = 7,
       .bandwidth = BytesPerSecond(50e9),
       .mean_error = 0.1}};
  result.remarks = {"ranks share cores"};
  return result;
}

TEST_CASE("a calibration says what was measured, where, and how well it fits") {
  const std::string table = calibration_table(two_ranks_measured());
  CHECK_THAT(table, ContainsSubstring("mine: 1 host of 2 ranks, Round"));
  CHECK_THAT(table, ContainsSubstring("all-reduce, within a host"));
  CHECK_THAT(table, ContainsSubstring("link within a host: 100 GB/s"));
  // No host but this one was measured.
  CHECK_THAT(table, !ContainsSubstring("network across hosts"));
  CHECK_THAT(table, ContainsSubstring("note: ranks share cores"));
}

TEST_CASE("a calibration's rows are what was measured; links that were not are null") {
  const report::Record record = report::calibration_record(two_ranks_measured());
  CHECK_THAT(report::record_json(record),
             ContainsSubstring("\"network\": null") && ContainsSubstring("\"bytes_per_s\": 100000000000.0"));
  const std::string csv = report::record_csv(record);
  CHECK_THAT(csv, ContainsSubstring("name,place,measured,flops_per_s,bytes_per_s,mean_error,"));
  CHECK_THAT(csv, ContainsSubstring("\nall-reduce,within-host,7,,"));
}

TEST_CASE("a training says its losses, whether it has learnt, and how fast it was") {
  JobSpec job = golden_job();  // 2 sequences of 4 tokens a step
  const TrainingCurve curve{.machine = "here",
                            .characters = 100,
                            .alphabet = 4,
                            .entropy = 1.2,
                            .learning_rate = 1e-3,
                            .losses = {1.5, 1.25, 1.0},
                            .time = Seconds(2.0)};
  // The last tenth of three steps is one. 3 steps · 8 tokens in 2 s.
  CHECK(curve.final_loss() == 1.0);
  CHECK(curve.tokens_per_second(job) == 12.0);
  CHECK_THAT(training_table(job, curve), ContainsSubstring("learnt more than that"));
  CHECK_THAT(report::record_csv(report::training_record(job, curve)), ContainsSubstring("1.5;1.25;1"));
}

TEST_CASE("devices are listed with the reason where there is no GPU") {
  LocalDevices found{
      .processor = "EPYC", .cores = 1, .mpi = "Open MPI", .why_no_gpu = "no driver\ninstall one"};
  CHECK(devices_table(found) ==
        "processor   EPYC; 1 core for this rank\nMPI         Open MPI\nGPUs        none: no driver\n"
        "            install one\n");
  CHECK_THAT(report::record_json(report::devices_record(found)), ContainsSubstring("\"gpus\": []"));
  found.why_no_gpu.clear();
  found.gpus = {{.name = "H100", .memory = Bytes(1), .free = Bytes(1), .architecture = "sm_90"}};
  CHECK_THAT(devices_table(found), ContainsSubstring("GPU 0       H100"));
}

TEST_CASE("bundled configs of one kind are rows of a CSV with their kind") {
  BundledConfigs configs;
  configs.models = {{.name = "small", .model = golden_job().model, .parameters = Parameters(1234)}};
  configs.measured = {{.name = "runs", .cases = 2, .accelerators = {"b", "a"}}};
  const std::string csv = report::record_csv(report::list_record(configs));
  CHECK(csv ==
        "name,kind,full_name,parameters,layers,hidden,cases,accelerators\n"
        "small,model,llama-shaped,1234,2,8,,\n"
        "runs,measured,,,,,2,a;b\n");
  CHECK_THAT(list_table(configs), ContainsSubstring("1,234") && ContainsSubstring("b, a"));
}

}  // namespace
}  // namespace foreshard::test
