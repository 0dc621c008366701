#include "collation/collator.h"

#include "base/check.h"
#include "collation/sort_key.h"

#include <fmt/format.h>
#include <iterator>
#include <span>

namespace divan::collation {
namespace {

// As CouchDB writes versions: without the zeros at the end.
std::string version_text(std::span<const std::uint8_t> version) {
    while (!version.empty() && version.back() == 0)
        version = version.first(version.size() - 1);
    return fmt::format("{}", fmt::join(version, "."));
}

} // namespace

const UCollator *root_collator() {
    static const UCollator *const kCollator = [] {
        UErrorCode status = U_ZERO_ERROR;
        auto *opened = ucol_open("", &status);
        DIVAN_CHECK(U_SUCCESS(status));
        return opened;
    }();
    return kCollator;
}

const CollatorInfo &collator_info() {
    static const CollatorInfo kInfo = [] {
        UVersionInfo library, collator, algorithm;
        u_getVersion(library);
        ucol_getVersion(root_collator(), collator);
        // Takes a collator that is not const, and only reads it.
        ucol_getUCAVersion(const_cast<UCollator *>(root_collator()), algorithm);
        return CollatorInfo{version_text(library), version_text(collator), version_text(algorithm)};
    }();
    return kInfo;
}

const std::string &collator_version() {
    static const std::string kVersion =
        fmt::format("{}/{}", collator_info().library_version, collator_info().collator_version);
    return kVersion;
}

} // namespace divan::collation
