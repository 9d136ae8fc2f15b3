#include "planner/report/words.hpp"

#include "planner/frameworks/framework.hpp"
#include "planner/report/format.hpp"

namespace foreshard::report {

std::string_view word_for(DType type) {
  switch (type) {
    case DType::fp64: return "fp64";
    case DType::fp32: return "fp32";
    case DType::tf32: return "tf32";
    case DType::bf16: return "bf16";
    case DType::fp16: return "fp16";
    case DType::fp8: return "fp8";
    case DType::int32: return "int32";
    case DType::uint8: return "uint8";
  }
  return "";
}

std::string_view word_for(Precision precision) {
  switch (precision) {
    case Precision::fp32: return "fp32";
    case Precision::bf16: return "bf16";
    case Precision::fp16: return "fp16";
    case Precision::fp8: return "fp8";
  }
  return "";
}

std::string_view word_for(FfnKind kind) {
  switch (kind) {
    case FfnKind::swiglu: return "swiglu";
    case FfnKind::geglu: return "geglu";
    case FfnKind::glu: return "glu";
    case FfnKind::gelu: return "gelu";
    case FfnKind::relu: return "relu";
    case FfnKind::sqrelu: return "sqrelu";
  }
  return "";
}

std::string_view word_for(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::gpipe: return "gpipe";
    case ScheduleKind::one_f_one_b: return "1f1b";
    case ScheduleKind::interleaved: return "interleaved";
    case ScheduleKind::zero_bubble: return "zero-bubble";
  }
  return "";
}

std::string_view word_for(Recompute recompute) {
  switch (recompute) {
    case Recompute::none: return "none";
    case Recompute::selective: return "selective";
    case Recompute::selective_ops: return "selective-ops";
    case Recompute::full: return "full";
  }
  return "";
}

std::string_view word_for(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::adamw: return "adamw";
    case OptimizerKind::adam: return "adam";
    case OptimizerKind::sgd: return "sgd";
  }
  return "";
}

std::string_view word_for(Framework framework) {
  switch (framework) {
    case Framework::megatron: return "megatron";
    case Framework::megatron_deepspeed: return "megatron-deepspeed";
    case Framework::torch_fsdp: return "torch-fsdp";
    case Framework::deepspeed: return "deepspeed";
    case Framework::nanotron: return "nanotron";
    case Framework::foreshard: return "foreshard";
  }
  return "";
}

std::string_view word_for(MemoryKind kind) {
  switch (kind) {
    case MemoryKind::allocated: return "allocated";
    case MemoryKind::reserved: return "reserved";
    case MemoryKind::other: return "other";
  }
  return "";
}

std::string_view word_for(NodeFabric fabric) {
  switch (fabric) {
    case NodeFabric::nvswitch: return "NVSwitch";
    case NodeFabric::mesh: return "mesh links";
    case NodeFabric::pcie: return "PCIe";
    case NodeFabric::shared_memory: return "shared memory";
    case NodeFabric::none: return "node";
  }
  return "";
}

DType stored_weight_dtype(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  const bool cut = p.zero == 3 && p.dp * p.cp > 1;
  const bool cut_in_fp32 = cut && !framework_conventions(job.framework).fp32_master_weights;
  return cut_in_fp32 ? DType::fp32 : weight_dtype(job.training.precision);
}

DType weight_dtype(Precision precision) {
  switch (precision) {
    case Precision::fp32: return DType::fp32;
    case Precision::fp16: return DType::fp16;
    case Precision::bf16:
    case Precision::fp8: return DType::bf16;
  }
  return DType::bf16;
}

std::string device_word(const JobSpec& job) { return job.cluster.accelerator.is_cpu ? "device" : "GPU"; }

std::string devices(const JobSpec& job, std::int64_t number) { return counted(number, device_word(job)); }

std::string counted(std::int64_t number, std::string_view noun, std::string_view ending) {
  std::string text = grouped(number) + " " + std::string(noun);
  if (number != 1) text += ending;
  return text;
}

}  // namespace foreshard::report
