// Replaces cuDNN's fused attention by plain loops.
#include "runtime/kernels/cuda/fused_attention.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <cuda_bf16.h>

#include "tests/emulated_cuda/stream.hpp"

namespace {

using foreshard::cuda::AttentionCore;
using foreshard::cuda::HeadsInMemory;
using Numbers = std::vector<float>;

/// The numbers (tokens, dim) of one head of one sequence.
Numbers taken(const HeadsInMemory& from, std::int64_t sequence, std::int64_t head, std::int64_t tokens,
              std::int64_t dim) {
  Numbers numbers;
  for (std::int64_t token = 0; token < tokens; ++token) {
    const auto* row = static_cast<const __nv_bfloat16*>(from.data) + sequence * from.sequence +
                      token * from.token + head * from.head;
    for (std::int64_t i = 0; i < dim; ++i) numbers.push_back(__bfloat162float(row[i]));
  }
  return numbers;
}

void put(const HeadsInMemory& to, std::int64_t sequence, std::int64_t head, std::int64_t dim,
         const Numbers& numbers) {
  const auto tokens = static_cast<std::int64_t>(numbers.size()) / dim;
  for (std::int64_t token = 0; token < tokens; ++token) {
    auto* row =
        static_cast<__nv_bfloat16*>(to.data) + sequence * to.sequence + token * to.token + head * to.head;
    for (std::int64_t i = 0; i < dim; ++i)
      row[i] = __float2bfloat16_rn(numbers[static_cast<std::size_t>(token * dim + i)]);
  }
}

float dot(const float* a, const float* b, std::int64_t count) {
  float sum = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}
void add(float factor, const float* from, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] += factor * from[i];
}

/// One kv head of one sequence, and its query heads.
class HeadGroup {
 public:
  HeadGroup(const AttentionCore& core, std::int64_t sequence, std::int64_t kv_head)
      : core_(core),
        sequence_(sequence),
        kv_head_(kv_head),
        group_(core.heads / core.kv_heads),
        scale_(1.0F / std::sqrt(static_cast<float>(core.key_dim))),
        k_(taken(core.k, sequence, kv_head, core.keys, core.key_dim)),
        v_(taken(core.v, sequence, kv_head, core.keys, core.value_dim)) {}

  void forward() const {
    for (std::int64_t head = kv_head_ * group_; head < (kv_head_ + 1) * group_; ++head) {
      const Numbers q = taken(core_.q, sequence_, head, core_.queries, core_.key_dim);
      Numbers out(static_cast<std::size_t>(core_.queries * core_.value_dim));
      for (std::int64_t query = 0; query < core_.queries; ++query) {
        const Numbers scored = scores(q, query);
        const float largest = *std::max_element(scored.begin(), scored.end());
        float sum = 0.0F;
        for (const float score : scored) sum += std::exp(score - largest);
        lse(head)[query] = largest + std::log(sum);
        for (std::size_t key = 0; key < scored.size(); ++key)
          add(std::exp(scored[key] - largest) / sum, row(v_, key, core_.value_dim),
              row(out, query, core_.value_dim), core_.value_dim);
      }
      put(core_.out, sequence_, head, core_.value_dim, out);
    }
  }

  void backward() const {
    Numbers dk(k_.size());
    Numbers dv(v_.size());
    for (std::int64_t head = kv_head_ * group_; head < (kv_head_ + 1) * group_; ++head) {
      const Numbers q = taken(core_.q, sequence_, head, core_.queries, core_.key_dim);
      const Numbers out = taken(core_.out, sequence_, head, core_.queries, core_.value_dim);
      const Numbers d_out = taken(core_.d_out, sequence_, head, core_.queries, core_.value_dim);
      Numbers dq(q.size());
      for (std::int64_t query = 0; query < core_.queries; ++query) {
        const float* const slope = row(d_out, query, core_.value_dim);
        const float delta = dot(row(out, query, core_.value_dim), slope, core_.value_dim);
        const Numbers scored = scores(q, query);
        for (std::size_t key = 0; key < scored.size(); ++key) {
          const float p = std::exp(scored[key] - lse(head)[query]);
          const float ds = scale_ * p * (dot(slope, row(v_, key, core_.value_dim), core_.value_dim) - delta);
          add(p, slope, row(dv, key, core_.value_dim), core_.value_dim);
          add(ds, row(q, query, core_.key_dim), row(dk, key, core_.key_dim), core_.key_dim);
          add(ds, row(k_, key, core_.key_dim), row(dq, query, core_.key_dim), core_.key_dim);
        }
      }
      put(core_.dq, sequence_, head, core_.key_dim, dq);
    }
    put(core_.dk, sequence_, kv_head_, core_.key_dim, dk);
    put(core_.dv, sequence_, kv_head_, core_.value_dim, dv);
  }

 private:
  template <class Index>
  static const float* row(const Numbers& of, Index index, std::int64_t dim) {
    return of.data() + static_cast<std::int64_t>(index) * dim;
  }
  template <class Index>
  static float* row(Numbers& of, Index index, std::int64_t dim) {
    return of.data() + static_cast<std::int64_t>(index) * dim;
  }
  [[nodiscard]] float* lse(std::int64_t head) const {
    return core_.lse + (sequence_ * core_.heads + head) * core_.queries;
  }
  /// Scores of the keys to which the query attends.
  [[nodiscard]] Numbers scores(const Numbers& q, std::int64_t query) const {
    const std::int64_t seen = core_.causal ? core_.keys - core_.queries + query + 1 : core_.keys;
    Numbers found;
    for (std::int64_t key = 0; key < seen; ++key)
      found.push_back(scale_ * dot(row(q, query, core_.key_dim), row(k_, key, core_.key_dim), core_.key_dim));
    return found;
  }

  const AttentionCore& core_;
  std::int64_t sequence_;
  std::int64_t kv_head_;
  std::int64_t group_;
  float scale_;
  Numbers k_;
  Numbers v_;
};

/// Supports head sizes that are multiples of 8, like cuDNN.
class EmulatedAttention final : public foreshard::cuda::FusedAttention {
 public:
  std::optional<std::int64_t> scratch_bytes(const AttentionCore& core) override {
    if (core.key_dim % 8 != 0 || core.value_dim % 8 != 0) return std::nullopt;
    return 0;
  }
  void run(cudaStream_t stream, const AttentionCore& core, std::byte* /*scratch*/) override {
    emulated_cuda::enqueue(stream, [core] {
      for (std::int64_t sequence = 0; sequence < core.batch; ++sequence) {
        for (std::int64_t kv_head = 0; kv_head < core.kv_heads; ++kv_head) {
          const HeadGroup heads(core, sequence, kv_head);
          core.backward ? heads.backward() : heads.forward();
        }
      }
      return true;
    });
  }
};

}  // namespace

namespace foreshard::cuda {

std::unique_ptr<FusedAttention> make_fused_attention() { return std::make_unique<EmulatedAttention>(); }

std::size_t cudnn_version() { return 0; }

}  // namespace foreshard::cuda
