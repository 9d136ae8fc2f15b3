#include <algorithm>
#include <optional>
#include <string>

#include "tests/runtime/kernels/check_case.hpp"

namespace foreshard::test::gathered_attention_kernel {

namespace {

/// Puts operands of a call into a device's memory, and reads them after the call.
class Operands {
 public:
  explicit Operands(Device& device) : device_(device) {}

  Buffer put(const Numbers& values, DType kept_as = DType::fp32) {
    const auto elements = static_cast<std::int64_t>(values.size());
    const DType type = device_.stored_as(kept_as);
    memory_.push_back(device_.allocate(bytes_of(type, elements).value()));
    const Buffer buffer{memory_.back()->data(), elements, type};
    device_.write(buffer, values.data());
    return buffer;
  }
  [[nodiscard]] Numbers get(const Buffer& buffer) const {
    Numbers values(static_cast<std::size_t>(buffer.elements));
    device_.read(buffer, values.data());
    return values;
  }
  Device& device() { return device_; }

 private:
  Device& device_;
  std::vector<std::unique_ptr<DeviceMemory>> memory_;
};

/// Reorders rows of `columns` numbers from the order of positions to the order of `rows`.
Numbers arranged(const Numbers& by_position, const TokenRows& rows, std::int64_t columns) {
  Numbers result;
  for (std::int64_t row = 0; row < rows.rows(); ++row) {
    const TokenRows::Place at = rows.place_of(row);
    const auto first = by_position.begin() + (at.sequence * rows.sequence + at.position) * columns;
    result.insert(result.end(), first, first + columns);
  }
  return result;
}

constexpr AttentionMask kCausal{.causal = true};
constexpr AttentionMask kAll{.causal = false};

struct Shape {
  std::int64_t batch, sequence, shares, heads, kv_heads, own, shared, v;
  AttentionMask mask;
  bool sinks = false;
};

/// Results of forward and backward: out, lse, dq, dk, d_shared_k, dv. For one context-parallel rank
/// (`share`), or for a rank that has all shares.
std::vector<Numbers> run_share(Device& device, const Shape& s, std::optional<std::int64_t> share,
                               DType type) {
  Draw numbers(5);
  const auto draw = [&](std::int64_t count) {
    Numbers drawn = numbers.numbers(count);
    if (type == DType::bf16)
      for (double& number : drawn) number = rounded_to_bf16(number);
    return drawn;
  };
  const std::int64_t tokens = s.batch * s.sequence;
  const std::int64_t d = s.own + s.shared;
  const Numbers q = draw(tokens * s.heads * d);
  const Numbers k = draw(tokens * s.kv_heads * s.own);
  const Numbers shared = draw(tokens * s.shared);
  const Numbers v = draw(tokens * s.kv_heads * s.v);
  const Numbers d_out = draw(tokens * s.heads * s.v);
  const Numbers sinks = draw(s.sinks ? s.heads : 0);

  Operands run(device);
  GatheredAttentionCall call{.mask = s.mask};
  call.queries = {.batch = s.batch,
                  .sequence = s.sequence,
                  .shares = s.shares,
                  .first_share = share.value_or(0),
                  .held = share ? 1 : s.shares};
  call.keys = {.batch = s.batch, .sequence = s.sequence, .shares = s.shares, .held = s.shares};
  call.heads = s.heads;
  call.kv_heads = s.kv_heads;
  call.own_dim = s.own;
  call.shared_dim = s.shared;
  call.v_head_dim = s.v;
  const auto matrix = [&](const Numbers& values, const TokenRows& rows, std::int64_t heads,
                          std::int64_t columns) {
    return HeadColumns{run.put(arranged(values, rows, heads * columns), type), heads * columns, 0, columns};
  };
  call.q = matrix(q, call.queries, s.heads, d);
  call.k = matrix(k, call.keys, s.kv_heads, s.own);
  if (s.shared > 0) call.shared_k = matrix(shared, call.keys, 1, s.shared);
  call.v = matrix(v, call.keys, s.kv_heads, s.v);
  call.out = run.put(arranged(Numbers(d_out.size(), 9.0), call.queries, s.heads * s.v), type);
  call.lse =
      run.put(arranged(Numbers(static_cast<std::size_t>(tokens * s.heads), 9.0), call.queries, s.heads));
  if (s.sinks) call.sinks = run.put(sinks, type);
  device.run(call);

  call.backward = true;
  if (s.sinks) call.d_sinks = run.put(Numbers(sinks.size(), 0.5));
  call.d_out = run.put(arranged(d_out, call.queries, s.heads * s.v), type);
  const auto zeros = [&](HeadColumns like) {
    like.x = run.put(Numbers(static_cast<std::size_t>(like.x.elements), 0.0), type);
    return like;
  };
  call.dq = zeros(call.q);
  call.dk = zeros(call.k);
  if (s.shared > 0) call.d_shared_k = zeros(call.shared_k);
  call.dv = zeros(call.v);
  device.run(call);
  std::vector<Numbers> results{run.get(call.out), run.get(call.lse), run.get(call.dq.x), run.get(call.dk.x)};
  if (s.shared > 0) results.push_back(run.get(call.d_shared_k.x));
  results.push_back(run.get(call.dv.x));
  if (s.sinks) results.push_back(run.get(call.d_sinks));
  return results;
}

}  // namespace

TEST_CASE("of two ranks the first has the chunks 0 and 3 of four, the second 1 and 2") {
  const TokenRows first{.batch = 2, .sequence = 8, .shares = 2, .first_share = 0};
  const TokenRows second{.batch = 2, .sequence = 8, .shares = 2, .first_share = 1};
  const auto positions = [](const TokenRows& rows) {
    std::vector<std::int64_t> found;
    for (std::int64_t row = 0; row < rows.rows(); ++row) {
      const TokenRows::Place at = rows.place_of(row);
      CHECK(rows.row_of(at) == row);
      found.push_back(10 * at.sequence + at.position);
    }
    return found;
  };
  CHECK((positions(first) == std::vector<std::int64_t>{0, 1, 6, 7, 10, 11, 16, 17}));
  CHECK((positions(second) == std::vector<std::int64_t>{2, 3, 4, 5, 12, 13, 14, 15}));
  const TokenRows all{.batch = 1, .sequence = 8, .shares = 2, .held = 2};
  CHECK((positions(all) == std::vector<std::int64_t>{0, 1, 6, 7, 2, 3, 4, 5}));
}

TEST_CASE("gathered attention agrees with the reference") {
  const std::vector<Shape> shapes = {
      {2, 8, 2, 4, 2, 4, 0, 4, kCausal},    // chunks of two
      {1, 300, 1, 2, 2, 6, 5, 7, kCausal},  // latent; beyond a tile of keys
      {2, 520, 2, 2, 1, 8, 0, 8, kCausal},  // chunks of 130: two tiles and a rest
      {1, 280, 2, 2, 2, 4, 4, 12, kAll},
      // Multiples of 8, which cuDNN supports in bf16: several sequences, latent, no mask, many chunks.
      {2, 64, 2, 4, 2, 16, 0, 16, kCausal},
      {2, 80, 1, 2, 2, 16, 8, 24, kCausal},
      {2, 48, 2, 2, 1, 8, 8, 8, kAll},
      {1, 96, 3, 4, 2, 8, 0, 8, kCausal},
      // The head sizes of Llama and of DeepSeek.
      {1, 128, 2, 2, 1, 128, 0, 128, kCausal},
      {1, 128, 1, 2, 2, 128, 64, 128, kCausal},
      // Windows and chunks: shorter than a rank's chunk of the sequence, across several of them, beyond a tile.
      {2, 24, 2, 4, 2, 4, 0, 4, {.window = 5}},
      {1, 600, 2, 2, 1, 8, 0, 8, {.window = 300}, true},
      {2, 96, 2, 2, 2, 8, 0, 8, {.chunk = 20}},
      {1, 72, 1, 2, 2, 6, 5, 7, {.window = 10}, true},
      {1, 72, 3, 2, 1, 8, 0, 8, {.causal = false, .window = 10}},
      {2, 64, 2, 4, 2, 16, 0, 16, kCausal, true},
  };
  for (const Shape& shape : shapes) {
    std::vector<std::optional<std::int64_t>> shares{std::nullopt};
    for (std::int64_t share = 0; share < shape.shares; ++share) shares.emplace_back(share);
    for (const std::optional<std::int64_t>& share : shares) {
      for (const DType type : {DType::fp32, DType::bf16}) {
        INFO("sequence " << shape.sequence << " window " << shape.mask.window << " chunk " << shape.mask.chunk
                         << " share " << (share ? std::to_string(*share) : "all")
                         << (type == DType::bf16 ? " bf16" : " fp32"));
        ReferenceDevice reference;
        const std::vector<Numbers> expected = run_share(reference, shape, share, type);
        const std::vector<Numbers> found = run_share(tested_device(), shape, share, type);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          INFO("result " << i);
          CHECK(distance(found[i], expected[i]) <= (type == DType::bf16 ? kBf16Bound : kAttentionBound));
        }
      }
    }
  }
}

TEST_CASE("shared key columns count in the scores like a head's own, computed by hand") {
  // One token attends to itself only: O = V, lse = q·k/√2, of q = {3, 5}, own k 7, shared k 11.
  ReferenceDevice device;
  Operands run(device);
  GatheredAttentionCall call{};
  call.queries = call.keys = {.batch = 1, .sequence = 1};
  call.heads = call.kv_heads = 1;
  call.own_dim = call.shared_dim = call.v_head_dim = 1;
  call.q = {run.put({3, 5}), 2, 0, 2};
  call.k = {run.put({7, 13}), 2, 0, 2};  // {k, v} of the head side by side
  call.v = {call.k.x, 2, 1, 2};
  call.shared_k = {run.put({11}), 1, 0, 0};
  call.out = run.put({0});
  call.lse = run.put({0});
  device.run(call);
  CHECK(run.get(call.out)[0] == Approx(13.0));
  CHECK(run.get(call.lse)[0] == Approx((3 * 7 + 5 * 11) / std::sqrt(2.0)));
}

}  // namespace foreshard::test::gathered_attention_kernel
