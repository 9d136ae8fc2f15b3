#include "planner/fit/gemm_table.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "planner/cost/ops/kernel_model.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/source_text.hpp"
#include "planner/units/read_number.hpp"

namespace foreshard {
namespace {

struct TableCell {
  std::string text;
  int column = 1;  ///< in bytes, from 1
};

/// The fields of a line without quoted commas, without blanks around them.
std::vector<TableCell> cells_of(const std::string& line) {
  std::vector<TableCell> cells;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    const std::size_t first = std::min(line.find_first_not_of(" \t\"\r", begin), end);
    const std::size_t last = line.find_last_not_of(" \t\"\r", end == 0 ? 0 : end - 1);
    const bool is_empty = first == end || last == std::string::npos || last < first;
    cells.push_back({is_empty ? "" : line.substr(first, last - first + 1), static_cast<int>(first) + 1});
    if (end == line.size()) return cells;
    begin = end + 1;
  }
}

/// The columns of times, and the seconds that one of them is; 0 for a rate.
struct TimeColumn {
  std::string_view name;
  double seconds;
};
constexpr std::array<TimeColumn, 3> kTimes{{{"us", 1e-6}, {"ms", 1e-3}, {"tflops", 0.0}}};

class GemmTableReader {
 public:
  GemmTableReader(const std::string& text, const std::string& name, Complaints& complaints)
      : source_(make_source(name, std::filesystem::path(), text)), complaints_(complaints) {}

  std::vector<MeasuredGemm> read() {
    if (source_->lines.empty() || !read_header()) return {};
    for (number_ = 2; number_ <= static_cast<int>(source_->lines.size()); ++number_) {
      const std::string& line = source_->lines[static_cast<std::size_t>(number_) - 1];
      if (line.find_first_not_of(" \t\r") != std::string::npos) read_row(cells_of(line));
    }
    if (products_.empty() && complaints_.size() == before_)
      complaints_.add({source_, 0, 0}, "", "the table has no rows");
    return std::move(products_);
  }

 private:
  bool read_header() {
    for (const TableCell& cell : cells_of(source_->lines.front())) {
      columns_.emplace(cell.text, width_);
      ++width_;
    }
    for (const char* const column : {"m", "n", "k", "dtype"})
      if (!columns_.contains(column)) complain_of_header(fmt::format("there is no column '{}'", column));
    const auto found = std::find_if(kTimes.begin(), kTimes.end(), [&](const TimeColumn& time) {
      return columns_.contains(std::string(time.name));
    });
    if (found == kTimes.end()) {
      complain_of_header("there is no column of times");
    } else {
      time_ = *found;
    }
    return complaints_.size() == before_;
  }
  void complain_of_header(std::string message) {
    complaints_.add({source_, 1, 1}, "", std::move(message), "m, n, k, dtype, and one of us, ms, tflops");
  }

  void read_row(const std::vector<TableCell>& cells) {
    if (cells.size() != width_) {
      complaints_.add({source_, number_, 1}, "",
                      fmt::format("{} fields under {} columns", cells.size(), width_));
      return;
    }
    const std::size_t complaints = complaints_.size();
    MeasuredGemm product{.m = whole(cells, "m"), .n = whole(cells, "n"), .k = whole(cells, "k"), .time = {}};
    const TableCell& type = cells[columns_.at("dtype")];
    if (const auto known = value_of<DType>(type.text)) {
      product.type = *known;
    } else {
      complaints_.add({source_, number_, type.column}, "dtype",
                      fmt::format("{} is no data type", quote(type.text)), "as in fp32, bf16, fp16, fp8");
    }
    const double value = positive<double>(cells, std::string(time_.name));
    if (complaints_.size() != complaints) return;
    const double flops = 2.0 * static_cast<double>(product.m) * static_cast<double>(product.n) *
                         static_cast<double>(product.k);
    product.time = Seconds(time_.seconds > 0.0 ? value * time_.seconds : flops / (value * 1e12));
    products_.push_back(product);
  }

  std::int64_t whole(const std::vector<TableCell>& cells, const char* column) {
    return positive<std::int64_t>(cells, column);
  }
  template <class Number>
  Number positive(const std::vector<TableCell>& cells, const std::string& column) {
    const TableCell& cell = cells[columns_.at(column)];
    Number value{};
    const char* const end = cell.text.data() + cell.text.size();
    const auto [stop, error] = read_number(cell.text.data(), end, value);
    if (error == std::errc{} && stop == end && value > Number{} && value < static_cast<Number>(1e15))
      return value;
    complaints_.add({source_, number_, cell.column}, column,
                    fmt::format("{} is no number above 0", quote(cell.text)));
    return Number{1};
  }

  SourcePtr source_;
  Complaints& complaints_;
  std::size_t before_ = complaints_.size();
  std::map<std::string, std::size_t> columns_;
  std::size_t width_ = 0;
  TimeColumn time_{};
  int number_ = 1;
  std::vector<MeasuredGemm> products_;
};

/// The product as an operation of a program of its own.
void add_kernel(KernelMeasurements& measurements, const MeasuredGemm& product) {
  StepProgram program;
  const auto tensor = [&](std::int64_t rows, std::int64_t columns, DType type) {
    Tensor made;
    made.dtype = type;
    made.dims = {{.name = DimName::flat, .size = rows}, {.name = DimName::flat, .size = columns}};
    program.tensors.push_back(std::move(made));
    return TensorId(program.tensors.size() - 1);
  };
  const DType result = is_scaled(product.type) ? DType::bf16 : product.type;
  Op op;
  op.kind = Gemm{.m = product.m, .n = product.n, .k = product.k, .math = product.type};
  op.operands = {{tensor(product.m, product.k, product.type)},
                 {tensor(product.k, product.n, product.type)},
                 {tensor(product.m, product.n, result), Access::write}};
  measurements.kernels.push_back({.program = measurements.programs.size(),
                                  .op = std::move(op),
                                  .time = {.median = product.time, .spread = {}}});
  measurements.programs.push_back(std::move(program));
}

std::map<DType, std::vector<MeasuredGemm>> by_type(const std::vector<MeasuredGemm>& measured) {
  std::map<DType, std::vector<MeasuredGemm>> types;
  for (const MeasuredGemm& product : measured) types[product.type].push_back(product);
  return types;
}

KernelMeasurements measurements_of(const std::vector<MeasuredGemm>& products) {
  KernelMeasurements measurements;
  for (const MeasuredGemm& product : products) add_kernel(measurements, product);
  return measurements;
}

}  // namespace

FlopsPerSecond MeasuredGemm::rate() const { return Flops(checked_product(2, m, n, k)) / time; }

std::vector<MeasuredGemm> read_gemm_table(const std::string& text, const std::string& name,
                                          Complaints& complaints) {
  return GemmTableReader(text, name, complaints).read();
}

ImportedGemms import_gemms(AcceleratorSpec accelerator, const std::vector<MeasuredGemm>& measured,
                           const std::string& name) {
  const KernelModel before(accelerator);
  const auto types = by_type(measured);
  const auto most = std::max_element(types.begin(), types.end(), [](const auto& a, const auto& b) {
    return a.second.size() < b.second.size();
  });
  const auto fit = [&](DType type, const std::vector<MeasuredGemm>& products, bool keeps_fixed_costs) {
    fit_kernels(measurements_of(products), accelerator,
                {.products = type, .keeps_datasheet = true, .keeps_fixed_costs = keeps_fixed_costs});
    accelerator.fits.back().data = fmt::format("{}, {}", name, word_of(type));
  };
  fit(most->first, most->second, false);
  for (const auto& [type, products] : types)
    if (type != most->first) fit(type, products, true);
  ImportedGemms result{.accelerator = std::move(accelerator), .products = {}};
  const KernelModel after(result.accelerator);
  const KernelMeasurements all = measurements_of(measured);
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const Op& op = all.kernels[i].op;
    result.products.push_back(
        {measured[i], before.time(op, all.programs[i]).time, after.time(op, all.programs[i]).time});
  }
  return result;
}

}  // namespace foreshard
