#include <string>
#include <vector>

#include "planner/report/estimate_fields.hpp"
#include "tests/planner/report/sample_plan.hpp"
#include "tests/planner/report/written.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

// Derived here: tokens_per_s = 4096 / 8 = 512, over 64 devices 8; model FLOP/s per device =
// 9.5e18 / 8 / 64 = 1.85546875e16. hardware_flops is 2^53, the last that prints as an integer.
// 55 GiB = 55·2^30 = 59055800320. compute 5.0 = 3.5 + 1.0 + 0.5 of kernels, so 0 of it is slowed. Needed: 58 + 3 GiB. kWh = 4.7e9·3600 J / 3.6e6 = 4.7e6.
constexpr const char* kExpected = R"json({
  "model": {
    "parameters": {
      "total": 70553706496,
      "active": 70553706495,
      "active_computed": 69503033344,
      "mixer": 0,
      "attention": 12079595520,
      "ffn": 56371445760,
      "embedding": 2101346304,
      "norm": 1318912,
      "router": 0,
      "hyper_connections": 0,
      "mtp": 0
    },
    "flops_per_token": {
      "forward": 141000000001,
      "training": 423000000003,
      "training_causal": 412000000002
    }
  },
  "step": {
    "time_s": 8.0,
    "time_low_s": 7.5,
    "time_high_s": 8.75,
    "typical_time_s": 8.25,
    "typical_low_s": 8.0,
    "typical_high_s": 8.5,
    "tokens_per_s": 512.0,
    "tokens_per_s_per_device": 8.0,
    "model_flops": 9.5e+18,
    "hardware_flops": 9007199254740992,
    "model_flops_per_s_per_device": 1.85546875e+16,
    "mfu": 0.55,
    "hfu": 0.6,
    "mfu_causal": 0.5,
    "bubble_fraction": 0.0125,
    "breakdown_s": {
      "compute": 5.0,
      "tp_exposed": 1.25,
      "pp_exposed": 0.0625,
      "dp_exposed": 0.75,
      "cp_exposed": 0.03125,
      "ep_exposed": 0.015625,
      "offload_exposed": 0.0,
      "bubble": 0.5,
      "optimizer": 0.25,
      "overhead": 0.140625,
      "host": 0.125
    },
    "compute_s": {
      "gemms": 3.5,
      "attention_core": 1.0,
      "scans": 0.0,
      "memory_bound": 0.5,
      "slowed": 0.0
    },
    "basis": "closed form"
  },
  "memory": {
    "capacity_bytes": 84825604096,
    "peak_bytes": 59055800320,
    "reserved_bytes": 62277025792,
    "fits": true,
    "weights_bytes": 21474836480,
    "gradients_bytes": 8589934592,
    "optimizer_bytes": 12884901888,
    "activations_bytes": 11274289152,
    "buffers_bytes": 4831838208,
    "peak_by_stage_bytes": [
      57982058496,
      59055800320
    ],
    "context_bytes": 3221225472,
    "graphs_bytes": 0,
    "allocated_bytes": 0,
    "reserved_low_bytes": 0,
    "reserved_high_bytes": 0,
    "verdict": "fits",
    "host_bytes": null,
    "host_capacity_bytes": null,
    "libraries": [
      {
        "name": "cuBLAS",
        "place": "allocated",
        "low_bytes": 12582912,
        "high_bytes": 12582912
      },
      {
        "name": "CUDA context",
        "place": "outside",
        "low_bytes": 419430400,
        "high_bytes": 943718400
      },
      {
        "name": "NCCL, tp",
        "place": "outside",
        "low_bytes": 100663296,
        "high_bytes": 1207959552
      },
      {
        "name": "NCCL, pp",
        "place": "outside",
        "low_bytes": 100663296,
        "high_bytes": 1207959552
      },
      {
        "name": "NCCL, cp",
        "place": "outside",
        "low_bytes": 100663296,
        "high_bytes": 1207959552
      },
      {
        "name": "NCCL, dp",
        "place": "outside",
        "low_bytes": 100663296,
        "high_bytes": 1207959552
      },
      {
        "name": "NCCL, experts' dp",
        "place": "outside",
        "low_bytes": 100663296,
        "high_bytes": 1207959552
      },
      {
        "name": "NCCL, ep",
        "place": "outside",
        "low_bytes": 0,
        "high_bytes": 2415919104
      }
    ],
    "remedies": [],
    "stages": [
      {
        "weights_bytes": 0,
        "gradients_bytes": 0,
        "optimizer_bytes": 0,
        "activations_bytes": 0,
        "buffers_bytes": 0,
        "peak_bytes": 57982058496
      },
      {
        "weights_bytes": 21474836480,
        "gradients_bytes": 8589934592,
        "optimizer_bytes": 12884901888,
        "activations_bytes": 11274289152,
        "buffers_bytes": 4831838208,
        "peak_bytes": 59055800320
      }
    ]
  },
  "communication": {
    "tp": {
      "bytes_per_device": 101,
      "calls": 11,
      "time_s": 1.5,
      "bus_bandwidth": 67.33333333333333
    },
    "pp": {
      "bytes_per_device": 102,
      "calls": 12,
      "time_s": 0.1,
      "bus_bandwidth": 1020.0
    },
    "dp": {
      "bytes_per_device": 103,
      "calls": 13,
      "time_s": 0.9,
      "bus_bandwidth": 114.44444444444444
    },
    "cp": {
      "bytes_per_device": 104,
      "calls": 14,
      "time_s": 0.2,
      "bus_bandwidth": 520.0
    },
    "ep": {
      "bytes_per_device": 105,
      "calls": 15,
      "time_s": 0.3,
      "bus_bandwidth": 350.0
    },
    "offload": {
      "bytes_per_device": 0,
      "calls": 0,
      "time_s": 0.0,
      "bus_bandwidth": null
    }
  },
  "layer": {
    "attention": {
      "parameters": 150994944,
      "flops_forward": 4600000000000,
      "flops_backward": 9300000000000,
      "tp_bytes": 469762048
    },
    "ffn": {
      "parameters": 704643072,
      "flops_forward": 11500000000000,
      "flops_backward": 23100000000000,
      "tp_bytes": 469762049
    }
  },
  "training": {
    "steps": 3576278.5,
    "seconds": 207446400.0,
    "device_hours": 3687936.0,
    "dollars": 9219840.0,
    "kwh": 4700000.0,
    "failures": {
      "mtbf_s": null,
      "checkpoint_interval_s": null,
      "goodput": null,
      "expected": null,
      "seconds": null,
      "device_hours": null,
      "dollars": null,
      "spare_nodes": null
    }
  },
  "job": {
    "name": "sample",
    "model": "Llama 3 70B",
    "cluster": "dgx-h100",
    "devices": 64,
    "idle_devices": 0,
    "tp": 8,
    "pp": 4,
    "vp": 5,
    "cp": 6,
    "ep": 7,
    "dp": 2,
    "zero": 3,
    "micro_batch": 1,
    "global_batch": 512,
    "sequence_length": 8192
  },
  "accelerator": {
    "name": "h100-80gb-sxm",
    "kernel_error": 0.1,
    "confidence": {
      "peaks": null,
      "products": "measured-sustained",
      "experts": null,
      "attention": null,
      "passes": "assumed",
      "collectives": null,
      "price": null,
      "power": null
    }
  },
  "notes": [
    "the kv heads, \"8\", are one per rank",
    "second note"
  ],
  "verdict": {
    "job": [
      "sample: Llama 3 70B on 8 × dgx-h100 (64 × NVIDIA H100 80GB SXM)",
      "tp 8, pp 4, vp 5, cp 6, ep 7, etp 1, dp 2, zero 3 · 8,192 tokens × 512 sequences · 256 micro-batches of 1 · bf16 · 1f1b"
    ],
    "text": [
      "One step takes 8.00 s (7.50 – 8.75), 8.00 tokens/s per GPU, 55.0% MFU. It fits: 61.0 of 79.0 GiB per GPU, 18.0 GiB to spare.",
      "15 T tokens would take 2,401 days on 64 GPUs in 3,576,279 steps: 3.69 M GPU hours, 9.22 M USD at 2.50 USD/h per GPU, 4.70 GWh."
    ]
  }
}
)json";

}  // namespace

TEST_CASE("the keys, their order and their values are the contract") {
  PlannedJob planned = sample_plan();
  planned.job.parallelism.vp = 5;
  planned.job.parallelism.cp = 6;
  planned.job.parallelism.ep = 7;
  planned.job.parallelism.zero = 3;
  Confidences& confidence = planned.job.cluster.accelerator.confidence;
  confidence[static_cast<std::size_t>(ConstantGroup::products)] = Confidence::measured_sustained;
  confidence[static_cast<std::size_t>(ConstantGroup::passes)] = Confidence::assumed;
  const std::vector<PlannedJob> jobs{planned};
  CHECK(estimate_json(jobs) == kExpected);
}

TEST_CASE("what would make it fit is a list of settings") {
  std::vector<PlannedJob> jobs{sample_plan()};
  jobs[0].advice.remedies.push_back({.settings = {{"parallelism.zero", "1"}, {"training.recompute", "full"}},
                                     .job = sample_job(),
                                     .needed = Bytes(1),
                                     .step = Seconds(9.0)});
  CHECK_THAT(estimate_json(jobs), ContainsSubstring(R"("remedies": [
      "parallelism.zero=1 training.recompute=full"
    ])"));
}

TEST_CASE("what the job does not say is null") {
  std::vector<PlannedJob> jobs{sample_plan()};
  jobs[0].estimate.training = {};
  jobs[0].estimate.training.steps = 12.0;
  CHECK_THAT(estimate_json(jobs), ContainsSubstring(R"("training": {
    "steps": 12.0,
    "seconds": null,
    "device_hours": null,
    "dollars": null,
    "kwh": null,
    "failures": {
      "mtbf_s": null,
      "checkpoint_interval_s": null,
      "goodput": null,
      "expected": null,
      "seconds": null,
      "device_hours": null,
      "dollars": null,
      "spare_nodes": null
    }
  })"));
}

TEST_CASE("a training that fails has its own figures") {
  std::vector<PlannedJob> jobs{sample_plan()};
  jobs[0].estimate.training.failures = FailureFigures{.mtbf = Seconds(100.0),
                                                      .interval = Seconds(20.0),
                                                      .goodput = 0.5,
                                                      .failures = 3.0,
                                                      .time = Seconds(300.0),
                                                      .device_hours = 4.0,
                                                      .cost = Dollars(5.0),
                                                      .spares = 6};
  CHECK_THAT(estimate_json(jobs), ContainsSubstring(R"("failures": {
      "mtbf_s": 100.0,
      "checkpoint_interval_s": 20.0,
      "goodput": 0.5,
      "expected": 3.0,
      "seconds": 300.0,
      "device_hours": 4.0,
      "dollars": 5.0,
      "spare_nodes": 6
    })"));
}

TEST_CASE("several jobs are an array in their order") {
  std::vector<PlannedJob> jobs{sample_plan(), sample_plan()};
  jobs[0].job.name = "first";
  jobs[1].job.name = "second";
  const std::string json = estimate_json(jobs);
  CHECK(json.substr(0, 2) == "[\n");
  CHECK(json.substr(json.size() - 3) == "\n]\n");
  REQUIRE(json.find("\"first\"") != std::string::npos);
  CHECK(json.find("\"first\"") < json.find("\"second\""));
}

TEST_CASE("whole numbers are exact up to 2^53 and doubles above") {
  const Int128 limit = Int128{1} << 53;
  CHECK(std::get<std::int64_t>(report::count_field(limit)) == 9'007'199'254'740'992);
  CHECK(std::get<std::int64_t>(report::count_field(-limit)) == -9'007'199'254'740'992);
  // 2^53 + 3 lies halfway between the doubles 2^53 + 2 and 2^53 + 4; ties go to the even mantissa, + 4.
  CHECK(std::get<double>(report::count_field(limit + 3)) == 9'007'199'254'740'996.0);
  CHECK(std::get<double>(report::count_field(Int128{1} << 100)) == 1267650600228229401496703205376.0);
}
