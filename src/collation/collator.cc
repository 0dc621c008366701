#include "collation/collator.h"

#include "base/check.h"
#include "collation/sort_key.h"

namespace divan::collation {
namespace {

std::string dotted(const UVersionInfo &version, int fields) {
    std::string text = std::to_string(version[0]);
    for (int i = 1; i < fields; ++i)
        text.append(".").append(std::to_string(version[i]));
    return text;
}

CollatorInfo read_info() {
    CollatorInfo info;
    UVersionInfo version;
    u_getVersion(version);
    info.library_version = dotted(version, 2);
    ucol_getVersion(collator(), version);
    info.collator_version = dotted(version, 4);
    ucol_getUCAVersion(collator(), version);
    info.algorithm_version = dotted(version, 2);
    return info;
}

} // namespace

const UCollator *collator() {
    static const UCollator *opened = [] {
        UErrorCode status = U_ZERO_ERROR;
        auto *root = ucol_open("", &status);
        DIVAN_CHECK(U_SUCCESS(status));
        return root;
    }();
    return opened;
}

const CollatorInfo &collator_info() {
    static const CollatorInfo info = read_info();
    return info;
}

const std::string &collator_version() {
    static const std::string version =
        collator_info().library_version + "/" + collator_info().collator_version;
    return version;
}

} // namespace divan::collation
