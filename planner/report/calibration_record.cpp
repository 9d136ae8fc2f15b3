#include "planner/report/calibration_record.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

std::string word_of(CalibratedPlace place) {
  switch (place) {
    case CalibratedPlace::device: break;
    case CalibratedPlace::within_host: return "within-host";
    case CalibratedPlace::across_hosts: return "across-hosts";
  }
  return "device";
}

template <class Rate>
FieldValue rate_field(const std::optional<Rate>& rate) {
  return rate ? FieldValue(rate->value()) : FieldValue(std::monostate{});
}

Fields family_fields(const CalibratedFamily& family) {
  return {{"name", family.name},
          {"place", word_of(family.place)},
          {"measured", family.measured},
          {"flops_per_s", rate_field(family.rate)},
          {"bytes_per_s", rate_field(family.bandwidth)},
          {"mean_error", family.mean_error},
          {"residual", family.residual},
          {"unsteadiness", family.unsteadiness}};
}

Fields device_fields(const CalibrationResult& calibration) {
  const AcceleratorSpec& device = calibration.cluster.accelerator;
  const DType products = calibration.products();
  const GemmRate& gemm = *device.gemm[static_cast<std::size_t>(products)];
  return {{"products", std::string(word_of(products))},
          {"peak_flops_per_s", gemm.peak.value()},
          {"efficiency", gemm.efficiency},
          {"memory_bytes", count_field(static_cast<Int128>(device.memory_capacity.value()))},
          {"memory_bytes_per_s", device.memory_bandwidth.value()},
          {"spread", device.kernels.spread}};
}

void add_link(Fields& fields, const std::string& key, const LinkSpec& link, CalibratedPlace place,
              const CalibrationResult& calibration) {
  const bool is_measured = std::any_of(calibration.families.begin(), calibration.families.end(),
                                       [&](const CalibratedFamily& family) { return family.place == place; });
  if (is_measured) {
    append(fields, key + ".", {{"bytes_per_s", link.bandwidth.value()}, {"latency_s", link.latency.value()}});
  } else {
    fields.push_back({key, std::monostate{}});
  }
}

}  // namespace

Record calibration_record(const CalibrationResult& calibration) {
  const ClusterSpec& cluster = calibration.cluster;
  Fields fields{{"cluster.name", cluster.name},
                {"cluster.nodes", cluster.nodes},
                {"cluster.devices_per_node", cluster.devices_per_node},
                {"cluster.device", cluster.accelerator.full_name}};
  append(fields, "device.", device_fields(calibration));
  add_link(fields, "link", cluster.link, CalibratedPlace::within_host, calibration);
  add_link(fields, "network", cluster.network.link, CalibratedPlace::across_hosts, calibration);
  fields.push_back({"remarks", calibration.remarks});
  FieldRows measured;
  for (const CalibratedFamily& family : calibration.families) measured.rows.push_back(family_fields(family));
  fields.push_back({"measured", std::move(measured)});
  return record_of(std::move(fields), {"measured"});
}

}  // namespace foreshard::report
