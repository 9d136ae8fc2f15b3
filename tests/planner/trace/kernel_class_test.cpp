#include "planner/trace/kernel_class.hpp"

#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("kernels by the names that libraries give them") {
  for (const char* const name :
       {"nvjet_tst_192x192_64x3_2x1_v_bz_coopB_TNT", "ampere_bf16_s16816gemm_bf16_128x256",
        "void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm>", "Cijk_Ailk_Bljk_BBS_BH"})
    CHECK(part_of_kernel(name) == TracePart::products);
  for (const char* const name :
       {"flash_fwd_kernel", "fmha_cutlassF_bf16_aligned", "cudnn_generated_fort_native_sdpa_sm90",
        "void pytorch_flash::flash_bwd_dq_dk_dv_loop_seqk_parallel_kernel"})
    CHECK(part_of_kernel(name) == TracePart::attention);
  for (const char* const name : {"ncclDevKernel_AllGather_RING_LL", "ncclKernel_AllReduce_TREE_LL_Sum_half",
                                 "deep_ep::intranode::dispatch"})
    CHECK(part_of_kernel(name) == TracePart::collective);
  CHECK(part_of_kernel("_permute_kernel") == TracePart::experts);
  CHECK(part_of_kernel("void multi_tensor_apply_kernel<TensorListMetadata<4>, AdamFunctor>") ==
        TracePart::optimizer);
  CHECK(part_of_kernel("triton_red_fused__to_copy_mean_mul_pow_rsqrt_3") == TracePart::passes);
  CHECK(part_of_kernel("void at::native::elementwise_kernel<128, 4>") == TracePart::passes);
}

TEST_CASE("collectives by the profiler's word, else the kernel's") {
  CHECK(collective_word("_allgather_base", "ncclDevKernel_Generic") == "all-gather");
  CHECK(collective_word("", "ncclDevKernel_ReduceScatter_Sum_bf16_RING_LL") == "reduce-scatter");
  CHECK(collective_word("", "ncclKernel_AllReduce_RING_LL_Sum_float") == "all-reduce");
  CHECK(collective_word("alltoallv", "ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t") == "all-to-all");
  CHECK(collective_word("", "ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t") == "send-receive");
  CHECK(collective_word("", "ncclDevKernel_Something") == "other");
}
