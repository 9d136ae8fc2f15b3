# Install rules, and the package that `find_package(foreshard)` finds.
include(CMakePackageConfigHelpers)

set(FORESHARD_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/foreshard)

install(TARGETS foreshard_planner foreshard_sim EXPORT foreshard ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(FORESHARD_BUILD_RUNTIME)
  install(TARGETS foreshard_runtime EXPORT foreshard ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/foreshard FILES_MATCHING PATTERN "*.hpp")
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/FindOpenBLAS.cmake DESTINATION ${FORESHARD_PACKAGE_DIR})
endif()
if(FORESHARD_BUILD_ONEDNN)
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/FindoneDNN.cmake DESTINATION ${FORESHARD_PACKAGE_DIR})
endif()
if(FORESHARD_BUILD_CUDA)
  install(TARGETS foreshard-cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(TARGETS foreshard_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/cli/api/foreshard.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS foreshard RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT foreshard)
if(FORESHARD_BUILD_RUNTIME)
  install(TARGETS foreshard-run RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT foreshard-run)
endif()

# Headers keep their paths below include/foreshard, the directory that the package exports.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/planner ${PROJECT_SOURCE_DIR}/sim
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/foreshard FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/configs DESTINATION ${CMAKE_INSTALL_DATADIR}/foreshard COMPONENT foreshard
  PATTERN CMakeLists.txt EXCLUDE)
# The planner's page, where scripts/build_web.sh has built it: `foreshard serve` shows it.
install(FILES ${PROJECT_SOURCE_DIR}/build/web/foreshard.html DESTINATION ${CMAKE_INSTALL_DATADIR}/foreshard/web
  COMPONENT foreshard OPTIONAL)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(FORESHARD_CHARTS_FILE)
  # Of the charts' library, which is in the tools.
  install(FILES ${FORESHARD_CHARTS_DIR}/package/LICENSE ${FORESHARD_CHARTS_DIR}/package/NOTICE
      ${FORESHARD_CHARTS_DIR}/package/licenses/LICENSE-d3
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/foreshard/echarts COMPONENT foreshard)
endif()

install(EXPORT foreshard NAMESPACE foreshard:: FILE foreshardTargets.cmake DESTINATION ${FORESHARD_PACKAGE_DIR})
configure_package_config_file(cmake/foreshardConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/foreshardConfig.cmake
  INSTALL_DESTINATION ${FORESHARD_PACKAGE_DIR}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/foreshardConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/foreshardConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/foreshardConfigVersion.cmake
  DESTINATION ${FORESHARD_PACKAGE_DIR})
