#include "planner/fit/gemm_table.hpp"

#include <string>

#include <fmt/format.h>

#include "planner/report/import/import_tables.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

std::string table_complaint(const std::string& text) {
  Complaints complaints;
  read_gemm_table(text, "gemm.csv", complaints);
  try {
    complaints.throw_if_any();
  } catch (const SpecError& error) {
    return format_diagnostics(error.diagnostics());
  }
  return {};
}

}  // namespace

TEST_CASE("products are read by column, in microseconds, milliseconds or TFLOP/s") {
  Complaints complaints;
  // 2·1000·2000·500 = 2e9 FLOPs: 20 µs are 100 TFLOP/s.
  for (const char* const text :
       {"m,n,k,dtype,us\n1000,2000,500,bf16,20\n", "library,ms,dtype,k,n,m\nx,0.02,bf16,500,2000,1000\n",
        "m, n, k, dtype, tflops\n1000, 2000, 500, bf16, 100\n\n"}) {
    const std::vector<MeasuredGemm> products = read_gemm_table(text, "gemm.csv", complaints);
    complaints.throw_if_any();
    REQUIRE(products.size() == 1);
    CHECK(products[0].type == DType::bf16);
    CHECK(products[0].m == 1000);
    CHECK(products[0].k == 500);
    CHECK(products[0].time.value() == Approx(20e-6));
    CHECK(products[0].rate().value() == Approx(100e12));
  }
}

TEST_CASE("wrong tables are refused with line and column") {
  CHECK_THAT(table_complaint("m,n,k,us\n1,1,1,1\n"),
             ContainsSubstring("gemm.csv:1:1: error: there is no column 'dtype'"));
  CHECK_THAT(table_complaint("m,n,k,dtype\n1,1,1,bf16\n"), ContainsSubstring("there is no column of times"));
  CHECK_THAT(table_complaint("m,n,k,dtype,us\n8,8,bf16,1\n"),
             ContainsSubstring("gemm.csv:2:1: error: 4 fields under 5 columns"));
  CHECK_THAT(table_complaint("m,n,k,dtype,us\n8,-8,8,bf16,1\n"),
             ContainsSubstring("gemm.csv:2:3: error: n: '-8' is no number above 0"));
  CHECK_THAT(table_complaint("m,n,k,dtype,us\n8,8,8,half,1\n"), ContainsSubstring("'half' is no data type"));
  CHECK_THAT(table_complaint("m,n,k,dtype,us\n"), ContainsSubstring("the table has no rows"));
}

TEST_CASE("the fit recovers rate, fixed cost and prologue from exact times") {
  // T = 6 µs + 2·m·n·(k + 64) / 600 TFLOP/s, on an accelerator whose peak is 1 PFLOP/s.
  std::string text = "m,n,k,dtype,us\n";
  for (const std::int64_t size : {2048, 4096, 8192, 16384}) {
    for (const std::int64_t k : {1024, 4096, 8192}) {
      const double flops =
          2.0 * static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(k + 64);
      text += fmt::format("{},{},{},bf16,{:.6f}\n", size, size, k, 6.0 + flops / 600e12 * 1e6);
    }
  }
  text += "8192,8192,8192,fp16,3664.97\n";  // 2·8192³ FLOPs at 300 TFLOP/s, but for 0.8% of prologue and 6 µs
  Complaints complaints;
  AcceleratorSpec accelerator = round_cluster(1).accelerator;
  accelerator.kernels.spread = 0.07;
  accelerator.memory_bandwidth = BytesPerSecond(4e12);  // so high that no product is limited by it
  const ImportedGemms imported =
      import_gemms(accelerator, read_gemm_table(text, "gemm.csv", complaints), "gemm.csv");
  const auto rate = [&](DType type) { return *imported.accelerator.gemm[static_cast<std::size_t>(type)]; };
  CHECK(rate(DType::bf16).peak == FlopsPerSecond(1e15));
  CHECK(rate(DType::bf16).efficiency == Approx(0.6).epsilon(0.005));
  CHECK(rate(DType::fp16).efficiency == Approx(0.3).epsilon(0.02));
  CHECK(rate(DType::fp32).efficiency == 1.0);
  CHECK(imported.accelerator.kernels.gemm_fixed.value() == Approx(6e-6).epsilon(0.15));
  CHECK(static_cast<double>(imported.accelerator.kernels.gemm_k_prologue) == Approx(64.0).margin(24.0));
  // What products do not tell stays.
  CHECK(imported.accelerator.kernels.spread == 0.07);
  CHECK(imported.accelerator.memory_bandwidth == accelerator.memory_bandwidth);
  for (const ImportedGemm& product : imported.products)
    CHECK(product.after.value() == Approx(product.measured.time.value()).epsilon(0.03));
  CHECK_THAT(gemms_table(imported), ContainsSubstring("mean error of the times"));
}
