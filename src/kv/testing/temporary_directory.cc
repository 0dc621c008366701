#include "kv/testing/temporary_directory.h"

#include "base/check.h"

#include <string>

#include <cstdlib>

namespace divan::kv {

TemporaryDirectory::TemporaryDirectory() {
    auto name = (std::filesystem::temp_directory_path() / "divan-kv-XXXXXX").string();
    DIVAN_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
}

} // namespace divan::kv
