#include "runtime/study/calibrate.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "planner/results/request_error.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "runtime/calibrate/measure_links.hpp"
#include "runtime/comm/before_run.hpp"
#include "runtime/study/run_device.hpp"

namespace foreshard {
namespace {

void require_host_layout(const MpiSession& session) {
  if (const auto complaint = host_layout_complaint(session.hosts())) throw RequestError("", *complaint);
}

CalibratedFamily family_of(const FamilyFit& fit) {
  CalibratedFamily family{.name = to_string(fit.family),
                          .place = CalibratedPlace::device,
                          .measured = fit.kernels,
                          .mean_error = fit.mean_error,
                          .residual = fit.residual,
                          .unsteadiness = fit.unsteadiness};
  if (fit.family.is_memory()) {
    family.bandwidth = fit.bandwidth;
  } else {
    family.rate = fit.rate;
  }
  return family;
}

void add_links(std::vector<CalibratedFamily>& families, CalibratedPlace place,
               const std::vector<LinkFit>& fits) {
  for (const LinkFit& fit : fits)
    families.push_back({.name = std::string(to_string(fit.operation)),
                        .place = place,
                        .measured = fit.sizes,
                        .bandwidth = fit.best,
                        .mean_error = fit.mean_error,
                        .residual = fit.residual,
                        .unsteadiness = fit.unsteadiness});
}

CalibrationResult result_of(Calibration calibration) {
  CalibrationResult result;
  for (const FamilyFit& fit : calibration.kernels) result.families.push_back(family_of(fit));
  add_links(result.families, CalibratedPlace::within_host, calibration.link);
  add_links(result.families, CalibratedPlace::across_hosts, calibration.network);
  result.cluster = std::move(calibration.cluster);
  result.sources = std::move(calibration.sources);
  result.comment = std::move(calibration.comment);
  return result;
}

}  // namespace

CalibrationResult calibrate_processors(const MpiSession& session, const CalibrationOptions& options) {
  require_host_layout(session);
  CalibrationResult result = result_of(calibrate(session, options));
  if (const auto remark =
          oversubscription_remark(session.local_ranks(), session.host_cores(), session.host()))
    result.remarks.push_back(*remark);
  return result;
}

CalibrationResult calibrate_gpus(const MpiSession& session, const ClusterSpec& like,
                                 const CalibrationOptions& options) {
  require_host_layout(session);
  if (like.accelerator.is_cpu)
    throw RequestError("like", fmt::format("the devices of {} are processors", like.name));
  if (const auto complaint = device_complaint(like.accelerator))
    throw RequestError("like", fmt::format("{} is {}", like.name, *complaint));
  JobSpec job;
  job.cluster = like;
  if (const auto remark = shared_gpu_remark(session, job))
    throw RequestError("like", fmt::format("{}; to calibrate start one rank per GPU", *remark));
  const std::unique_ptr<Device> device = make_device(session, like.accelerator, options.threads);
  const LinkEnds ends{.device = *device, .connect = [&](const DeviceMesh& mesh) {
                        return make_communicator(session, job, mesh, *device);
                      }};
  return result_of(calibrate_gpu(session, ends, like, options));
}

}  // namespace foreshard
