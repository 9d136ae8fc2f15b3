#include <array>
#include <initializer_list>
#include <stdexcept>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::device_kernel {

namespace {

/// The message of a call that the device must refuse.
template <class Call>
std::string complaint(const Case<Call>& one) {
  std::string said;
  ReferenceDevice reference;
  CpuDevice processor;
  for (Device* device : std::initializer_list<Device*>{&reference, &processor}) {
    try {
      run_case(*device, one);
      FAIL("not refused");
    } catch (const std::invalid_argument& error) {
      CHECK((said.empty() || said == error.what()));
      said = error.what();
    }
  }
  return said;
}

}  // namespace

TEST_CASE("a buffer whose size does not match the call is refused, with both sizes") {
  CHECK(complaint(Case<GemmCall>{{.m = 2, .n = 3, .k = 5}, {{&GemmCall::a, Numbers(12)}}}) ==
        "gemm: a has 12 elements, but m·k = 10");
  CHECK(complaint(Case<GemmCall>{{.m = 1, .n = 2, .k = 1},
                                 {{&GemmCall::a, Numbers(1)},
                                  {&GemmCall::b, Numbers(2)},
                                  {&GemmCall::c, Numbers(2)},
                                  {&GemmCall::bias, Numbers(3)}}}) == "gemm: bias has 3 elements, but n = 2");
  CHECK(complaint(Case<AttentionCall>{{.batch = 1, .sequence = 2, .heads = 4, .kv_heads = 2, .head_dim = 3},
                                      {{&AttentionCall::qkv, Numbers(7)}}}) ==
        "attention: qkv has 7 elements, but batch·sequence·(heads + 2·kv_heads)·head_dim = 48");
  CHECK(complaint(Case<NormCall>{
            {.kind = NormKind::layernorm, .rows = 2, .width = 3},
            {{&NormCall::x, Numbers(6)}, {&NormCall::weight, Numbers(3)}, {&NormCall::stats, Numbers(2)}}}) ==
        "layernorm: stats has 2 elements, but 2·rows = 4");
  CHECK(complaint(Case<RopeCall>{{.tokens = 4, .sequence = 2, .heads = 1, .head_dim = 2, .row_width = 2},
                                 {{&RopeCall::x, Numbers(6)}}}) ==
        "rope: x has 6 elements, but tokens·row_width = 8");
  CHECK(complaint(Case<EmbeddingCall>{{.tokens = 4, .width = 2, .rows = 1}, {}}) ==
        "embedding: ids has 0 elements, but tokens = 4");
  CHECK(complaint(Case<CrossEntropyCall>{{.tokens = 3}, {{&CrossEntropyCall::sums, Numbers(3)}}}) ==
        "cross-entropy: sums has 3 elements, but 2·tokens = 6");
  CHECK(complaint(Case<PointwiseCall>{{.kind = PointwiseKind::swiglu, .elements = 6, .width = 3},
                                      {{&PointwiseCall::a, Numbers(6)}}}) ==
        "swiglu: x has 6 elements, but 2·elements = 12");
  const OptimizerStep step;
  CHECK(complaint(Case<UpdateCall>{{.step = &step, .elements = 2}, {{&UpdateCall::gradient, Numbers(3)}}}) ==
        "update: gradient has 3 elements, but elements = 2");
}

TEST_CASE("sizes that do not match, and calls that no device implements, are refused") {
  CHECK(complaint(Case<AttentionCall>{{.heads = 3, .kv_heads = 2, .head_dim = 1}, {}}) ==
        "attention: kv_heads 2 does not divide heads 3");
  CHECK(complaint(Case<RopeCall>{{.tokens = 2, .sequence = 2, .heads = 1, .head_dim = 3, .row_width = 3},
                                 {}}) == "rope: head_dim 3 is odd: its halves pair up");
  CHECK(complaint(Case<RopeCall>{{.tokens = 2, .sequence = 2, .heads = 3, .head_dim = 2, .row_width = 5},
                                 {}}) == "rope: 3 heads of 2 do not fit into a row of 5");
  CHECK(complaint(Case<PointwiseCall>{{.kind = PointwiseKind::dropout}, {}}) == "dropout: no device runs it");
  CHECK(complaint(Case<PointwiseCall>{{.backward = true, .kind = PointwiseKind::accumulate}, {}}) ==
        "accumulate: it has no backward");
  CHECK(complaint(Case<UpdateCall>{{.step = nullptr}, {}}) == "update: step is missing");
}

TEST_CASE("devices store dtypes in their own way") {
  ReferenceDevice reference;
  CpuDevice processor;
  CHECK(reference.stored_as(DType::fp32) == DType::fp64);
  CHECK(reference.stored_as(DType::bf16) == DType::fp64);
  CHECK(reference.stored_as(DType::int32) == DType::int32);
  CHECK(processor.stored_as(DType::tf32) == DType::fp32);
  CHECK(processor.stored_as(DType::int32) == DType::int32);
  CHECK(processor.stored_as(DType::bf16) == DType::bf16);
  CHECK_THROWS_WITH(processor.stored_as(DType::fp16),
                    "the CPU device computes in fp32 and bf16 and keeps no fp16");
  CHECK_THROWS_WITH(CpuDevice(0), "a CPU device needs a thread, not 0");
  CHECK_THROWS_WITH(processor.allocate(std::int64_t{1} << 60),
                    "the host has no 1152921504606846976 bytes of memory left");
}

TEST_CASE("memory is aligned to 64 bytes") {
  CpuDevice processor;
  for (const std::int64_t bytes : {0, 1, 100, 5000}) {
    CHECK(reinterpret_cast<std::uintptr_t>(processor.allocate(bytes)->data()) % 64 == 0);
  }
}

TEST_CASE("a CPU device's name has the processor and the libraries") {
  CHECK_THAT(CpuDevice(1).name(), ContainsSubstring(", 1 thread, OpenBLAS"));
  if (cpu::blas_serves_several_threads()) {
    CHECK_THAT(CpuDevice(2).name(), ContainsSubstring(", 2 threads, OpenBLAS"));
  } else {
    CHECK_THROWS_WITH(CpuDevice(2),
                      ContainsSubstring("serial variant, which 2 threads of a rank cannot share"));
  }
}

TEST_CASE("the reference loops run in fp32 as well as in fp64") {
  // {1, 2}·{3, 4} = 11 in both dtypes
  std::array<float, 2> a = {1, 2};
  std::array<float, 2> b = {3, 4};
  std::array<float, 1> c = {0};
  const auto buffer = [](auto& numbers) {
    return Buffer{reinterpret_cast<std::byte*>(numbers.data()), static_cast<std::int64_t>(numbers.size())};
  };
  reference::run<float>(GemmCall{.m = 1, .n = 1, .k = 2, .a = buffer(a), .b = buffer(b), .c = buffer(c)});
  CHECK(c[0] == 11.0F);
}

}  // namespace foreshard::test::device_kernel
