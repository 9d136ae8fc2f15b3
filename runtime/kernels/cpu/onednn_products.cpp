#include "runtime/kernels/cpu/onednn_products.hpp"

#include <array>
#include <compare>
#include <dnnl.hpp>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "runtime/device/host_memory.hpp"

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#endif

namespace foreshard::cpu {
namespace {

/// The size of the pieces of C; one call of the library computes one piece. With smaller pieces the library
/// packs the factors too often. With larger ones the packed factors leave the second-level cache, and there
/// are too few pieces for the threads. Of 128, 256 and all rows by 256, 512 and all columns, this size was
/// among the fastest for a layer's products on a processor with AMX.
constexpr std::int64_t kPieceRows = 256;
constexpr std::int64_t kPieceColumns = 512;

constexpr std::int64_t kBf16Bytes = 2;

using Memory = dnnl::memory;

/// The first piece of a thread, of `count` pieces.
std::int64_t part_begin(std::int64_t count, int thread, int threads) { return count * thread / threads; }

/// A shape that the library prepares: the rows and columns of a piece of C, and the strides of the whole
/// matrices.
struct Shape {
  Shape(const GemmCall& call, std::int64_t rows_of_piece, std::int64_t columns_of_piece, bool adds_to)
      : rows(rows_of_piece),
        columns(columns_of_piece),
        k(call.k),
        stride_a(call.transpose_a ? call.m : call.k),
        stride_b(call.transpose_b ? call.k : call.n),
        stride_c(call.n),
        transpose_a(call.transpose_a),
        transpose_b(call.transpose_b),
        adds(adds_to),
        type(call.c.type) {}

  auto operator<=>(const Shape&) const = default;

  [[nodiscard]] Memory::desc a() const {
    return desc(rows, k, Memory::data_type::bf16, stride_a, transpose_a);
  }
  [[nodiscard]] Memory::desc b() const {
    return desc(k, columns, Memory::data_type::bf16, stride_b, transpose_b);
  }
  [[nodiscard]] Memory::desc c() const {
    return desc(rows, columns, type == DType::bf16 ? Memory::data_type::bf16 : Memory::data_type::f32,
                stride_c, false);
  }

  std::int64_t rows;
  std::int64_t columns;
  std::int64_t k;
  std::int64_t stride_a;
  std::int64_t stride_b;
  std::int64_t stride_c;
  bool transpose_a;
  bool transpose_b;
  bool adds;
  DType type;

 private:
  static Memory::desc desc(std::int64_t height, std::int64_t width, Memory::data_type number,
                           std::int64_t stride, bool transposed) {
    return {{height, width}, number, transposed ? Memory::dims{1, stride} : Memory::dims{stride, 1}};
  }
};

void use_one_library_thread() {
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  omp_set_num_threads(1);  // for parallel regions that the calling thread starts
#endif
}

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const Shape& shape) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (shape.adds) {
    dnnl::post_ops after;
    after.append_sum(1.0F);
    attributes.set_post_ops(after);
  }
  return {dnnl::matmul::desc(shape.a(), shape.b(), shape.c()), attributes, engine};
}

/// A prepared shape, with operand descriptors for each thread.
class Plan {
 public:
  Plan(const dnnl::engine& engine, const Shape& shape, int threads) {
    const dnnl::matmul::primitive_desc description = describe(engine, shape);
    product_ = dnnl::matmul(description);
    scratch_bytes_ = static_cast<std::int64_t>(description.scratchpad_desc().get_size());
    for (int thread = 0; thread < threads; ++thread) {
      operands_.push_back({Memory(shape.a(), engine, nullptr), Memory(shape.b(), engine, nullptr),
                           Memory(shape.c(), engine, nullptr),
                           Memory(description.scratchpad_desc(), engine, nullptr)});
    }
  }

  [[nodiscard]] std::int64_t scratch_bytes() const { return scratch_bytes_; }

  /// Uses the C interface: the C++ one allocates a container in every call.
  dnnl_status_t run(std::size_t thread, const dnnl::stream& stream, const std::array<std::byte*, 4>& data) {
    constexpr std::array<int, 4> kNames = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    std::array<dnnl_exec_arg_t, 4> arguments{};
    for (std::size_t i = 0; i < 4; ++i) {
      const Memory& operand = operands_[thread][i];
      if (dnnl_memory_set_data_handle(operand.get(), data[i]) != dnnl_success) return dnnl_invalid_arguments;
      arguments[i] = {kNames[i], operand.get()};
    }
    return dnnl_primitive_execute(product_.get(), stream.get(), 4, arguments.data());
  }

 private:
  dnnl::matmul product_;
  std::int64_t scratch_bytes_ = 0;
  std::vector<std::array<Memory, 4>> operands_;
};

}  // namespace

struct OnednnProducts::Parts {
  explicit Parts(ThreadPool& threads) : pool(threads), engine(dnnl::engine::kind::cpu, 0) {
    pool.run([](int /*thread*/) { use_one_library_thread(); });
    for (int thread = 0; thread < pool.threads(); ++thread) streams.emplace_back(engine);
    results.resize(streams.size(), dnnl_success);
  }

  Plan& plan(const Shape& shape) {
    auto found = plans.find(shape);
    if (found == plans.end()) found = plans.try_emplace(shape, engine, shape, pool.threads()).first;
    if (found->second.scratch_bytes() > scratch_bytes) {
      constexpr std::int64_t kAligned = 64;
      scratch_bytes = (found->second.scratch_bytes() + kAligned - 1) / kAligned * kAligned;
      scratch = allocate_host_memory(scratch_bytes * pool.threads());
    }
    return found->second;
  }

  /// Of pieces that are whole or the last in their direction: [last in rows][last in columns].
  using Pieces = std::array<std::array<Plan*, 2>, 2>;
  Pieces pieces(const GemmCall& call, bool adds) {
    Pieces all{};
    for (const bool last_rows : {false, true}) {
      for (const bool last_columns : {false, true}) {
        const std::int64_t rows = last_rows ? (call.m - 1) % kPieceRows + 1 : kPieceRows;
        const std::int64_t columns = last_columns ? (call.n - 1) % kPieceColumns + 1 : kPieceColumns;
        if (rows <= call.m && columns <= call.n)
          all[last_rows ? 1 : 0][last_columns ? 1 : 0] = &plan(Shape(call, rows, columns, adds));
      }
    }
    return all;
  }

  ThreadPool& pool;
  dnnl::engine engine;
  std::vector<dnnl::stream> streams;   ///< one per thread
  std::vector<dnnl_status_t> results;  ///< of the current call, one per thread
  std::map<Shape, Plan> plans;
  std::unique_ptr<DeviceMemory> scratch = allocate_host_memory(0);  ///< one part per thread
  std::int64_t scratch_bytes = 0;                                   ///< of one part; some plans need none
};

OnednnProducts::OnednnProducts(ThreadPool& pool) : parts_(std::make_unique<Parts>(pool)) {}
OnednnProducts::~OnednnProducts() = default;

void OnednnProducts::multiply(const GemmCall& call, bool adds) {
  const auto refuse = [&](const char* why) {
    throw std::runtime_error(fmt::format("{} cannot multiply {} x {} x {} of bf16: {}", onednn_name(), call.m,
                                         call.n, call.k, why));
  };
  Parts::Pieces plans{};
  try {
    plans = parts_->pieces(call, adds);
  } catch (const dnnl::error& error) {
    refuse(error.what());
  }
  const std::int64_t in_height = (call.m + kPieceRows - 1) / kPieceRows;
  const std::int64_t in_width = (call.n + kPieceColumns - 1) / kPieceColumns;
  const auto run_piece = [&](std::int64_t piece, std::size_t thread) {
    // Consecutive pieces have the same columns.
    const std::int64_t row = piece % in_height * kPieceRows;
    const std::int64_t column = piece / in_height * kPieceColumns;
    const std::int64_t a = call.transpose_a ? row : row * call.k;
    const std::int64_t b = call.transpose_b ? column * call.k : column;
    Plan& plan = *plans[row + kPieceRows >= call.m ? 1 : 0][column + kPieceColumns >= call.n ? 1 : 0];
    const dnnl_status_t result =
        plan.run(thread, parts_->streams[thread],
                 {call.a.data + a * kBf16Bytes, call.b.data + b * kBf16Bytes,
                  call.c.data + (row * call.n + column) * size_in_bytes(call.c.type),
                  parts_->scratch->data() + static_cast<std::int64_t>(thread) * parts_->scratch_bytes});
    if (result != dnnl_success) parts_->results[thread] = result;
  };
  const std::int64_t count = in_height * in_width;
  if (count == 1) {  // too little work for several threads
    run_piece(0, 0);
  } else {
    const int threads = parts_->pool.threads();
    parts_->pool.run([&](int thread) {
      for (std::int64_t piece = part_begin(count, thread, threads);
           piece < part_begin(count, thread + 1, threads); ++piece)
        run_piece(piece, static_cast<std::size_t>(thread));
    });
  }
  for (const dnnl_status_t result : parts_->results)
    if (result != dnnl_success) refuse(fmt::format("status {}", static_cast<int>(result)).c_str());
}

bool onednn_multiplies_bf16() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (isa & needed) == needed;
}

std::string onednn_name() {
  const dnnl_version_t* version = dnnl_version();
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto amx = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_amx);
  return fmt::format("oneDNN {}.{}.{} ({})", version->major, version->minor, version->patch,
                     (isa & amx) == amx ? "AMX" : "AVX-512 BF16");
}

}  // namespace foreshard::cpu
