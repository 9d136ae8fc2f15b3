# Debian packages, by `cpack --config build/…/CPackConfig.cmake`: foreshard, which plans and simulates, and
# foreshard-mpi, which runs. What is for developers (libraries, headers, the CMake package) and the runtime on GPUs,
# whose libraries Debian does not have, are installed by `cmake --install` alone.
set(FORESHARD_MAINTAINER "foreshard's maintainers <maintainers@foreshard.invalid>"
  CACHE STRING "Who answers for the Debian packages: name and address")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME foreshard)
set(CPACK_PACKAGE_CONTACT ${FORESHARD_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)

# Each package says under which terms it may be used.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/foreshard
  RENAME copyright COMPONENT foreshard EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/foreshard-mpi
  RENAME copyright COMPONENT foreshard-run EXCLUDE_FROM_ALL)

set(CPACK_COMPONENTS_ALL foreshard)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_FORESHARD_PACKAGE_NAME foreshard)
set(CPACK_COMPONENT_FORESHARD_DESCRIPTION
  "How long a training step of a model takes on a cluster, sharded in a given way, and whether it fits: foreshard plans, compares and simulates it, before money is spent. The configs of many models, accelerators and clusters come with it.")
set(CPACK_DEBIAN_FORESHARD_PACKAGE_SUGGESTS foreshard-mpi)

if(FORESHARD_BUILD_RUNTIME)
  list(APPEND CPACK_COMPONENTS_ALL foreshard-run)
  set(CPACK_DEBIAN_FORESHARD-RUN_PACKAGE_NAME foreshard-mpi)
  set(CPACK_COMPONENT_FORESHARD-RUN_DESCRIPTION
    "Runs the training step that foreshard plans, sharded over MPI's ranks on processors, and lays measurement beside prediction: foreshard-run, for mpirun.")
  # The configs, and mpirun.
  set(CPACK_DEBIAN_FORESHARD-RUN_PACKAGE_DEPENDS "foreshard (= ${PROJECT_VERSION}), openmpi-bin")
endif()
include(CPack)
