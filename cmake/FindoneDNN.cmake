# Finds oneDNN by header and library: Debian's package file fails where there is no OpenCL. Gives oneDNN::oneDNN and
# oneDNN_VERSION. The library must run on the calling thread alone or on OpenMP's threads, whose number a thread can say.
include(FindPackageHandleStandardArgs)

find_path(oneDNN_INCLUDE_DIR dnnl.hpp)
find_library(oneDNN_LIBRARY dnnl)

if(oneDNN_INCLUDE_DIR)
  set(oneDNN_HEADERS ${oneDNN_INCLUDE_DIR}/oneapi/dnnl)
  file(STRINGS ${oneDNN_HEADERS}/dnnl_version.h oneDNN_VERSION_LINES REGEX "define DNNL_VERSION_(MAJOR|MINOR|PATCH)")
  string(REGEX REPLACE "[^0-9]*([0-9]+)[^0-9]*([0-9]+)[^0-9]*([0-9]+).*" "\\1.\\2.\\3" oneDNN_VERSION
    "${oneDNN_VERSION_LINES}")
  file(STRINGS ${oneDNN_HEADERS}/dnnl_config.h oneDNN_THREADS REGEX
    "define DNNL_CPU_THREADING_RUNTIME DNNL_RUNTIME_(OMP|SEQ)$")
  set(oneDNN_NEEDS_OPENMP OFF)
  if(oneDNN_THREADS MATCHES "OMP")
    find_package(OpenMP QUIET COMPONENTS CXX)
    set(oneDNN_NEEDS_OPENMP ON)
    if(NOT OpenMP_CXX_FOUND)
      set(oneDNN_THREADS oneDNN_THREADS-NOTFOUND)
    endif()
  endif()
endif()

find_package_handle_standard_args(oneDNN
  REQUIRED_VARS oneDNN_LIBRARY oneDNN_INCLUDE_DIR oneDNN_THREADS VERSION_VAR oneDNN_VERSION HANDLE_VERSION_RANGE)
mark_as_advanced(oneDNN_INCLUDE_DIR oneDNN_LIBRARY)

if(oneDNN_FOUND AND NOT TARGET oneDNN::oneDNN)
  add_library(oneDNN::oneDNN UNKNOWN IMPORTED)
  set_target_properties(oneDNN::oneDNN PROPERTIES
    IMPORTED_LOCATION ${oneDNN_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${oneDNN_INCLUDE_DIR})
  if(oneDNN_NEEDS_OPENMP)
    # For the number of its threads alone: nothing here is compiled for OpenMP.
    set_target_properties(oneDNN::oneDNN PROPERTIES INTERFACE_LINK_LIBRARIES "${OpenMP_CXX_LIBRARIES}")
  endif()
endif()
