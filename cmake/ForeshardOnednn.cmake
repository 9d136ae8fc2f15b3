# Whether matrix products of bf16 on CPUs go to oneDNN, which knows the processors' instructions for them. Without it
# they are made of fp32 ones.
set(FORESHARD_ONEDNN AUTO CACHE STRING "Multiply bf16 on CPUs by oneDNN: AUTO (where it is found), ON or OFF")
set_property(CACHE FORESHARD_ONEDNN PROPERTY STRINGS AUTO ON OFF)

set(FORESHARD_BUILD_ONEDNN OFF)
if(FORESHARD_BUILD_RUNTIME AND (FORESHARD_ONEDNN STREQUAL "AUTO" OR FORESHARD_ONEDNN))
  if(FORESHARD_ONEDNN STREQUAL "AUTO")
    find_package(oneDNN 2.6...<3 QUIET)  # 3 has another interface
  else()
    find_package(oneDNN 2.6...<3 REQUIRED)
  endif()
  set(FORESHARD_BUILD_ONEDNN ${oneDNN_FOUND})
  if(NOT oneDNN_FOUND)
    message(STATUS "bf16 on CPUs is multiplied in fp32: oneDNN 2 from 2.6 on, for OpenMP or one thread, was not found (Debian: libdnnl-dev)")
  endif()
endif()
