#pragma once

#include <string>
#include <vector>

#include "planner/fit/fit_kernels.hpp"
#include "planner/spec/types/accelerator_spec.hpp"
#include "planner/spec/yaml/complaints.hpp"
#include "planner/units/dtype.hpp"

namespace foreshard {

/// A measured product C (m, n) = A (m, k)·B (k, n).
struct MeasuredGemm {
  DType type = DType::bf16;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  Seconds time;
  /// 2·m·n·k over the time.
  [[nodiscard]] FlopsPerSecond rate() const;
};

/// Reads a CSV with a header: columns m, n, k, dtype and one of us, ms or tflops, in any order; others are allowed and
/// left alone. dtype is a word of job files (bf16, fp16, fp8, …). Complains, with line and column, of missing
/// columns, rows of another length and values that are not positive numbers.
std::vector<MeasuredGemm> read_gemm_table(const std::string& text, const std::string& name,
                                          Complaints& complaints);

/// One product beside the planner's own times.
struct ImportedGemm {
  MeasuredGemm measured;
  Seconds before;
  Seconds after;
};

struct ImportedGemms {
  AcceleratorSpec accelerator;
  std::vector<ImportedGemm> products;
};

/// Fits an accelerator's products to the measurements: of the data type with most of them the rate, the fixed cost and
/// the prologue, of the others the rate. Peaks stay those of the accelerator.
/// @param name of the measurements, for the accelerator's `fits`
/// @pre there is at least one; the accelerator has a peak for each data type, and a memory bandwidth
ImportedGemms import_gemms(AcceleratorSpec accelerator, const std::vector<MeasuredGemm>& measured,
                           const std::string& name);

}  // namespace foreshard
