#include "runtime/kernels/cuda/cudnn_graph.hpp"

#include <fmt/format.h>

#include "runtime/cuda/cuda_check.hpp"

namespace foreshard::cuda {
namespace {

constexpr std::int64_t kAlignment = 16;

}  // namespace

void check_cudnn(cudnnStatus_t status, std::string_view call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::array<char, 512> details{};
  cudnnGetLastErrorString(details.data(), details.size());
  throw CudaError(fmt::format("{} failed: {}: {}", call, cudnnGetErrorString(status), details.data()));
}

CudnnDescriptor::CudnnDescriptor(cudnnBackendDescriptorType_t type) {
  check_cudnn(cudnnBackendCreateDescriptor(type, &made_), "cudnnBackendCreateDescriptor");
}
CudnnDescriptor::~CudnnDescriptor() {
  if (made_ != nullptr) cudnnBackendDestroyDescriptor(made_);
}
void CudnnDescriptor::set_all(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                              std::int64_t count, const void* values) {
  check_cudnn(cudnnBackendSetAttribute(made_, name, type, count, values),
              fmt::format("cudnnBackendSetAttribute {}", static_cast<int>(name)));
}
void CudnnDescriptor::finalize() { check_cudnn(cudnnBackendFinalize(made_), "cudnnBackendFinalize"); }

CudnnTensor CudnnGraph::add(CudnnDescriptor tensor, cudnnDataType_t type, const Sizes& sizes,
                            const Sizes& strides, bool is_virtual, bool is_number) {
  const auto id = static_cast<std::int64_t>(tensors_.size());
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, id);
  tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type);
  tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, kAlignment);
  tensor.set_all(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, sizes.data());
  tensor.set_all(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides.data());
  tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, is_virtual);
  tensor.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, is_number);
  tensor.finalize();
  tensors_.push_back(std::move(tensor));
  return {static_cast<std::size_t>(id)};
}

CudnnTensor CudnnGraph::memory(cudnnDataType_t type, const Sizes& sizes, const Sizes& strides) {
  const CudnnTensor made =
      add(CudnnDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR), type, sizes, strides, false, false);
  in_memory_.push_back(static_cast<std::int64_t>(made.index));
  return made;
}

CudnnTensor CudnnGraph::inner(cudnnDataType_t type, const Sizes& sizes, const Sizes& strides) {
  return add(CudnnDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR), type, sizes, strides, true, false);
}

CudnnTensor CudnnGraph::inner(cudnnDataType_t type, const Sizes& sizes) {
  return inner(type, sizes, dense(sizes));
}

CudnnTensor CudnnGraph::number(Number value) {
  const Sizes one{1, 1, 1, 1};
  const cudnnDataType_t type = std::holds_alternative<float>(value) ? CUDNN_DATA_FLOAT : CUDNN_DATA_INT32;
  const CudnnTensor made = add(CudnnDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR), type, one, one, false, true);
  numbers_.emplace_back(static_cast<std::int64_t>(made.index), value);
  return made;
}

void CudnnGraph::add_operation(CudnnDescriptor operation) {
  operation.finalize();
  operations_.push_back(std::move(operation));
}

void CudnnGraph::multiply(CudnnTensor a, CudnnTensor b, CudnnTensor c) {
  CudnnDescriptor product(CUDNN_BACKEND_MATMUL_DESCRIPTOR);
  product.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  product.finalize();
  CudnnDescriptor operation(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_MATMUL_DESC, product);
  operation.set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, of(a));
  operation.set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, of(b));
  operation.set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, of(c));
  parts_.push_back(std::move(product));
  add_operation(std::move(operation));
}

void CudnnGraph::pointwise(cudnnPointwiseMode_t mode, CudnnTensor y, std::initializer_list<CudnnTensor> from,
                           cudnnDataType_t compute, std::int64_t axis) {
  CudnnDescriptor kind(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  kind.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode);
  kind.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, compute);
  if (axis >= 0) kind.set(CUDNN_ATTR_POINTWISE_AXIS, CUDNN_TYPE_INT64, axis);
  kind.finalize();
  CudnnDescriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kind);
  constexpr std::array<cudnnBackendAttributeName_t, 3> kOperands{CUDNN_ATTR_OPERATION_POINTWISE_XDESC,
                                                                 CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
                                                                 CUDNN_ATTR_OPERATION_POINTWISE_TDESC};
  std::size_t operand = 0;
  for (const CudnnTensor tensor : from) operation.set(kOperands[operand++], of(tensor));
  operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, of(y));
  parts_.push_back(std::move(kind));
  add_operation(std::move(operation));
}

void CudnnGraph::reduce(cudnnReduceTensorOp_t op, CudnnTensor x, CudnnTensor y) {
  CudnnDescriptor reduction(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
  reduction.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, op);
  reduction.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  reduction.finalize();
  CudnnDescriptor operation(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, reduction);
  operation.set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, of(x));
  operation.set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, of(y));
  parts_.push_back(std::move(reduction));
  add_operation(std::move(operation));
}

void CudnnGraph::reshape(CudnnTensor x, CudnnTensor y) {
  CudnnDescriptor operation(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_RESHAPE_XDESC, of(x));
  operation.set(CUDNN_ATTR_OPERATION_RESHAPE_YDESC, of(y));
  add_operation(std::move(operation));
}

void CudnnGraph::compile(cudnnHandle_t handle) {
  std::vector<cudnnBackendDescriptor_t> operations;
  for (const CudnnDescriptor& operation : operations_) operations.push_back(operation.get());
  CudnnDescriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle);
  graph.set_all(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                static_cast<std::int64_t>(operations.size()), operations.data());
  graph.finalize();

  CudnnDescriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, CUDNN_HEUR_MODE_A);
  heuristic.finalize();

  constexpr std::int64_t kTries = 8;
  std::vector<CudnnDescriptor> configurations;
  std::vector<cudnnBackendDescriptor_t> offered;
  for (std::int64_t i = 0; i < kTries; ++i) {
    configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    offered.push_back(configurations.back().get());
  }
  std::int64_t count = 0;
  check_cudnn(cudnnBackendGetAttribute(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, kTries, &count, offered.data()),
              "cudnnBackendGetAttribute of engines");
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    CudnnDescriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configurations[i]);
    if (cudnnBackendFinalize(plan.get()) != CUDNN_STATUS_SUCCESS) continue;
    std::int64_t got = 0;
    check_cudnn(cudnnBackendGetAttribute(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                         CUDNN_TYPE_INT64, 1, &got, &workspace_bytes_),
                "cudnnBackendGetAttribute of the workspace's size");
    compiled_.push_back(std::move(graph));
    compiled_.push_back(std::move(configurations[i]));
    compiled_.push_back(std::move(plan));
    return;
  }
  throw CudaError(fmt::format("cuDNN has no engine for this graph; it offered {}", count));
}

void CudnnGraph::run(cudnnHandle_t handle, const std::vector<void*>& memory, void* workspace) const {
  std::vector<std::int64_t> ids = in_memory_;
  std::vector<void*> pointers = memory;
  for (const auto& [id, value] : numbers_) {
    ids.push_back(id);
    const void* at = std::visit([](const auto& number) -> const void* { return &number; }, value);
    pointers.push_back(const_cast<void*>(at));  // only read; cuDNN takes non-const pointers
  }
  CudnnDescriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  const auto count = static_cast<std::int64_t>(ids.size());
  pack.set_all(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids.data());
  pack.set_all(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, pointers.data());
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
  pack.finalize();
  check_cudnn(cudnnBackendExecute(handle, compiled_.back().get(), pack.get()), "cudnnBackendExecute");
}

}  // namespace foreshard::cuda
