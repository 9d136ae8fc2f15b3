#include "planner/report/devices_record.hpp"

#include <string>
#include <utility>

namespace foreshard::report {
namespace {

FieldValue text_or_null(const std::string& text) {
  return text.empty() ? FieldValue(std::monostate{}) : FieldValue(text);
}

Fields gpu_fields(const LocalGpu& gpu) {
  return {{"name", gpu.name},
          {"memory_bytes", gpu.memory.value()},
          {"free_bytes", gpu.free.value()},
          {"multiprocessors", gpu.multiprocessors},
          {"architecture", gpu.architecture},
          {"is_built_for", gpu.is_built_for}};
}

}  // namespace

Record devices_record(const LocalDevices& devices) {
  Fields fields{{"processor.name", devices.processor},
                {"processor.cores", devices.cores},
                {"mpi", devices.mpi},
                {"why_no_gpu", text_or_null(devices.why_no_gpu)}};
  if (devices.libraries) {
    append(fields, "libraries.",
           {{"driver", text_or_null(devices.libraries->driver)},
            {"cuda", devices.libraries->cuda},
            {"cublaslt", devices.libraries->cublaslt},
            {"nccl", devices.libraries->nccl},
            {"cudnn", text_or_null(devices.libraries->cudnn)}});
  } else {
    fields.push_back({"libraries", std::monostate{}});
  }
  FieldRows gpus;
  for (const LocalGpu& gpu : devices.gpus) gpus.rows.push_back(gpu_fields(gpu));
  fields.push_back({"gpus", std::move(gpus)});
  return record_of(std::move(fields));
}

}  // namespace foreshard::report
