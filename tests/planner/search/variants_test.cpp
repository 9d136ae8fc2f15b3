#include "planner/search/variants.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// 16 layers, 32 heads, 8 kv heads; tp 4 · pp 2 · dp 2 on two nodes of eight; 64 sequences.
JobSpec sixteen_devices() {
  JobSpec job;
  job.name = "sixteen";
  job.model = llama_shaped(16, 1024, 4096, 32, 8, 32'000);
  job.cluster = round_cluster(2);
  job.parallelism.tp = 4;
  job.parallelism.pp = 2;
  job.parallelism.dp = 2;
  job.parallelism.sequence_parallel = true;
  job.training.sequence_length = 2048;
  job.training.micro_batch = 1;
  job.training.global_batch = 64;
  return job;
}

ParallelismSpec degrees_of(const Variant& variant) { return variant.job.parallelism; }

}  // namespace

TEST_CASE("without lists there is one variant: the job") {
  const JobSpec job = sixteen_devices();
  const auto variants = make_variants(job, {});
  REQUIRE(variants.size() == 1);
  CHECK(variants[0].choices.empty());
  CHECK_FALSE(variants[0].illegal);
  CHECK(degrees_of(variants[0]).dp == 2);
  CHECK(degrees_of(variants[0]).sequence_parallel);
  CHECK(count_variants({}) == 1);
}

TEST_CASE("variants are the cross product in the order given, the last axis fastest") {
  VariantAxes axes;
  axes.tp = {2, 1};
  axes.recompute = {Recompute::none, Recompute::full};
  const auto variants = make_variants(sixteen_devices(), axes);
  REQUIRE(variants.size() == 4);
  CHECK(count_variants(axes) == 4);
  const std::vector<AxisChoice> third = {{Axis::tp, std::int64_t{1}}, {Axis::recompute, Recompute::none}};
  CHECK(variants[2].choices == third);
  CHECK(degrees_of(variants[1]).tp == 2);
  CHECK(variants[1].job.training.recompute == Recompute::full);
  CHECK(degrees_of(variants[2]).tp == 1);
  CHECK(variants[2].job.training.recompute == Recompute::none);
}

TEST_CASE("batch, precision, schedule and dp are varied as they are listed") {
  VariantAxes axes;
  axes.dp = {2, 4};
  axes.schedule = {ScheduleKind::gpipe};
  axes.global_batch = {128};
  axes.precision = {Precision::fp16};
  const auto variants = make_variants(sixteen_devices(), axes);
  REQUIRE(variants.size() == 2);
  CHECK(count_variants(axes) == 2);
  const std::vector<AxisChoice> first = {{Axis::dp, std::int64_t{2}},
                                         {Axis::schedule, std::string("gpipe")},
                                         {Axis::global_batch, std::int64_t{128}},
                                         {Axis::precision, std::string("fp16")}};
  CHECK(variants[0].choices == first);
  CHECK(variants[0].job.training.schedule == ScheduleKind::gpipe);
  CHECK(variants[0].job.training.global_batch == 128);
  CHECK(variants[0].job.training.precision == Precision::fp16);
  CHECK_FALSE(variants[0].illegal);
  // 4 · 2 · 4 devices are twice as many as the cluster has.
  CHECK(degrees_of(variants[1]).dp == 4);
  CHECK(variants[1].illegal);
}

TEST_CASE("dp takes what the other degrees leave, at the same devices and batch") {
  VariantAxes axes;
  axes.tp = {1, 2, 4, 8};
  const auto variants = make_variants(sixteen_devices(), axes);
  // 16 devices / (tp · pp 2)
  const std::vector<std::int64_t> expected = {8, 4, 2, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK_FALSE(variants[i].illegal);
    CHECK(degrees_of(variants[i]).dp == expected[i]);
    CHECK(variants[i].job.cluster.devices() == 16);
    CHECK(variants[i].job.training.global_batch == 64);
  }
}

TEST_CASE("what cannot run carries its first reason") {
  VariantAxes axes;
  SECTION("heads") {
    axes.tp = {3};
    CHECK(make_variants(sixteen_devices(), axes)[0].illegal == "3 does not divide the model's 32 heads");
  }
  SECTION("devices") {
    axes.pp = {3};
    CHECK(make_variants(sixteen_devices(), axes)[0].illegal ==
          "tp 4 × pp 3 × cp 1 × dp 1 is 12 devices, the cluster has 16");
  }
  SECTION("more than the devices") {
    axes.tp = {32};
    CHECK(make_variants(sixteen_devices(), axes)[0].illegal ==
          "tp 32 × pp 2 × cp 1 × dp 1 is 64 devices, the cluster has 16");
  }
  SECTION("batch") {
    axes.micro_batch = {3};
    CHECK(make_variants(sixteen_devices(), axes)[0].illegal ==
          "64 sequences do not split over dp 2 × micro_batch 3");
  }
  SECTION("zero") {
    axes.tp = {0};
    CHECK(make_variants(sixteen_devices(), axes)[0].illegal == "must be at least 1, is 0");
  }
}

TEST_CASE("sequence parallelism is off at tp 1 and else as the job has it") {
  VariantAxes axes;
  axes.tp = {1, 2};
  JobSpec job = sixteen_devices();
  CHECK_FALSE(degrees_of(make_variants(job, axes)[0]).sequence_parallel);
  CHECK(degrees_of(make_variants(job, axes)[1]).sequence_parallel);
  job.parallelism.sequence_parallel = false;
  CHECK_FALSE(degrees_of(make_variants(job, axes)[1]).sequence_parallel);
  // A job of tp 1 has no sequence parallelism, which does not decide about tp 2, where it is the default.
  job.parallelism.tp = 1;
  CHECK(degrees_of(make_variants(job, axes)[1]).sequence_parallel);
}

TEST_CASE("the schedule follows vp, and vp follows a pipeline of one stage") {
  VariantAxes axes;
  JobSpec job = sixteen_devices();
  SECTION("vp varied") {
    axes.vp = {1, 2};
    const auto variants = make_variants(job, axes);
    CHECK(variants[0].job.training.schedule == ScheduleKind::one_f_one_b);
    CHECK(variants[1].job.training.schedule == ScheduleKind::interleaved);
    CHECK_FALSE(variants[1].illegal);
  }
  SECTION("pp varied in an interleaved job") {
    job.parallelism.vp = 2;
    job.training.schedule = ScheduleKind::interleaved;
    axes.pp = {1, 2};
    const auto variants = make_variants(job, axes);
    CHECK(degrees_of(variants[0]).vp == 1);
    CHECK(variants[0].job.training.schedule == ScheduleKind::one_f_one_b);
    CHECK_FALSE(variants[0].illegal);
    CHECK(degrees_of(variants[1]).vp == 2);
    CHECK(variants[1].job.training.schedule == ScheduleKind::interleaved);
  }
  SECTION("gpipe stays") {
    job.training.schedule = ScheduleKind::gpipe;
    axes.pp = {4};
    CHECK(make_variants(job, axes)[0].job.training.schedule == ScheduleKind::gpipe);
  }
}

TEST_CASE("listed stages hold for their own pp alone") {
  JobSpec job = sixteen_devices();
  job.parallelism.stage_policy = StagePolicy::listed;
  job.parallelism.stage_layers = {7, 9};
  VariantAxes axes;
  axes.pp = {2, 4};
  const auto variants = make_variants(job, axes);
  CHECK(degrees_of(variants[0]).stage_policy == StagePolicy::listed);
  CHECK(degrees_of(variants[0]).stage_layers == std::vector<std::int64_t>{7, 9});
  CHECK(degrees_of(variants[1]).stage_policy == StagePolicy::even);
  CHECK_FALSE(variants[1].illegal);
}

TEST_CASE("more nodes are more replicas at the same batch") {
  VariantAxes axes;
  axes.nodes = {1, 2, 4};
  const auto variants = make_variants(sixteen_devices(), axes);
  // 8, 16, 32 devices / (4 · 2)
  CHECK(degrees_of(variants[0]).dp == 1);
  CHECK(degrees_of(variants[1]).dp == 2);
  CHECK(degrees_of(variants[2]).dp == 4);
  CHECK(variants[2].job.training.global_batch == 64);
}

TEST_CASE("another cluster has the same number of devices in use, spread evenly over the fewest nodes") {
  ClusterSpec fours = round_cluster(1, 4);
  fours.name = "fours";
  ClusterSpec large = round_cluster(3, 72);
  large.name = "large";
  ClusterSpec sixes = round_cluster(1, 6);
  sixes.name = "sixes";
  VariantAxes axes;
  axes.clusters = {fours, large, sixes};
  const auto variants = make_variants(sixteen_devices(), axes);
  CHECK(variants[0].choices[0].value == decltype(AxisChoice::value){std::string("fours")});
  CHECK(variants[0].job.cluster.nodes == 4);
  CHECK(variants[0].job.cluster.devices() == 16);
  CHECK(variants[0].job.cluster.idle_devices() == 0);
  // A part of one node of 72: the rest of it is paid for.
  CHECK(variants[1].job.cluster.nodes == 1);
  CHECK(variants[1].job.cluster.devices() == 16);
  CHECK(variants[1].job.cluster.idle_devices() == 56);
  CHECK_FALSE(variants[1].illegal);
  // 16 devices need 3 nodes of 6, but no 3 nodes have as many each: 4 nodes with 4 of 6 in use.
  CHECK(variants[2].job.cluster.nodes == 4);
  CHECK(variants[2].job.cluster.devices_per_node == 4);
  CHECK(variants[2].job.cluster.paid_devices() == 24);
  CHECK_FALSE(variants[2].illegal);

  axes.clusters = {fours};
  axes.nodes = {2, 8};
  CHECK(make_variants(sixteen_devices(), axes)[1].job.cluster.devices() == 32);
}

TEST_CASE("1,024 devices are 16 racks of 72 with 64 in use each") {
  JobSpec job = sixteen_devices();
  job.cluster = round_cluster(128);
  job.parallelism.dp = 128;
  job.training.global_batch = 1024;
  ClusterSpec racks = round_cluster(1, 72);
  racks.name = "racks";
  VariantAxes axes;
  axes.clusters = {racks};
  const Variant variant = make_variants(job, axes).front();
  // 15 racks would hold them (15 · 72 = 1,080), but 1,024 / 15 is no whole number.
  CHECK_FALSE(variant.illegal);
  CHECK(variant.job.cluster.nodes == 16);
  CHECK(variant.job.cluster.devices_per_node == 64);
  CHECK(variant.job.cluster.idle_devices() == 128);
}

TEST_CASE("devices that no few nodes share evenly stay as many as the nodes have") {
  JobSpec job = sixteen_devices();
  job.cluster = round_cluster(1, 17);
  ClusterSpec fours = round_cluster(1, 4);
  VariantAxes axes;
  axes.clusters = {fours};
  // 17 is prime: 5 to 10 nodes of 4 share it unevenly, and 17 nodes with a device each are too many.
  const Variant variant = make_variants(job, axes).front();
  CHECK(variant.job.cluster.nodes == 5);
  CHECK(variant.job.cluster.idle_devices() == 0);
  CHECK(variant.illegal == "tp 4 × pp 2 × cp 1 × dp 2 is 16 devices, the cluster has 20");
}
