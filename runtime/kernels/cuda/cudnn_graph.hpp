#pragma once

#include <array>
#include <cstdint>
#include <cudnn.h>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace foreshard::cuda {

/// A descriptor of cuDNN's backend, destroyed with its owner. @throws CudaError if a cuDNN call fails
class CudnnDescriptor {
 public:
  explicit CudnnDescriptor(cudnnBackendDescriptorType_t type);
  ~CudnnDescriptor();
  CudnnDescriptor(CudnnDescriptor&& other) noexcept : made_(std::exchange(other.made_, nullptr)) {}
  CudnnDescriptor& operator=(CudnnDescriptor&&) = delete;

  template <class Value>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const Value& value) {
    set_all(name, type, 1, &value);
  }
  void set(cudnnBackendAttributeName_t name, const CudnnDescriptor& value) {
    set_all(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.made_);
  }
  void set_all(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
               const void* values);
  void finalize();
  [[nodiscard]] cudnnBackendDescriptor_t get() const { return made_; }

 private:
  cudnnBackendDescriptor_t made_ = nullptr;
};

/// A tensor of four dimensions in a graph: batch, head, row, column.
struct CudnnTensor {
  std::size_t index = 0;  ///< into the graph
};

/// A graph of operations on tensors for cuDNN's graph API, compiled into one plan.
class CudnnGraph {
 public:
  using Sizes = std::array<std::int64_t, 4>;
  using Number = std::variant<float, std::int32_t>;

  /// A tensor in GPU memory.
  CudnnTensor memory(cudnnDataType_t type, const Sizes& sizes, const Sizes& strides);
  /// A tensor that exists only within the graph.
  CudnnTensor inner(cudnnDataType_t type, const Sizes& sizes, const Sizes& strides);
  /// The same, dense.
  CudnnTensor inner(cudnnDataType_t type, const Sizes& sizes);
  /// A constant.
  CudnnTensor number(Number value);
  /// The strides of a contiguous tensor.
  static Sizes dense(const Sizes& sizes) {
    return {sizes[1] * sizes[2] * sizes[3], sizes[2] * sizes[3], sizes[3], 1};
  }

  /// c = a·b, summed in fp32. If b has fewer heads than a, groups of heads of a share one head of b.
  void multiply(CudnnTensor a, CudnnTensor b, CudnnTensor c);
  /// y = mode(x [, b [, t]])
  void pointwise(cudnnPointwiseMode_t mode, CudnnTensor y, std::initializer_list<CudnnTensor> from,
                 cudnnDataType_t compute = CUDNN_DATA_FLOAT, std::int64_t axis = -1);
  /// y = x, reduced along the dimensions in which y is smaller.
  void reduce(cudnnReduceTensorOp_t op, CudnnTensor x, CudnnTensor y);
  /// y = the numbers of x with the sizes and strides of y.
  void reshape(CudnnTensor x, CudnnTensor y);

  /// Chooses an engine and compiles the graph. @throws CudaError if no engine supports it on this GPU
  void compile(cudnnHandle_t handle);
  [[nodiscard]] std::int64_t workspace_bytes() const { return workspace_bytes_; }
  /// @param memory  addresses of the tensors made by memory(), in the order in which they were made
  void run(cudnnHandle_t handle, const std::vector<void*>& memory, void* workspace) const;

 private:
  CudnnTensor add(CudnnDescriptor tensor, cudnnDataType_t type, const Sizes& sizes, const Sizes& strides,
                  bool is_virtual, bool is_number);
  void add_operation(CudnnDescriptor operation);
  [[nodiscard]] const CudnnDescriptor& of(CudnnTensor tensor) const { return tensors_[tensor.index]; }

  std::vector<CudnnDescriptor> tensors_;  // the index is the unique id
  std::vector<CudnnDescriptor> parts_;    // descriptors to which operations refer
  std::vector<CudnnDescriptor> operations_;
  std::vector<std::int64_t> in_memory_;                   // ids
  std::vector<std::pair<std::int64_t, Number>> numbers_;  // ids and values
  std::vector<CudnnDescriptor> compiled_;                 // graph, configuration, plan
  std::int64_t workspace_bytes_ = 0;
};

void check_cudnn(cudnnStatus_t status, std::string_view call);

}  // namespace foreshard::cuda
