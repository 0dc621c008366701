#include "db/partition.h"

#include "base/encoding.h"
#include "db/store.h"

namespace divan::db {
namespace {

constexpr char kSeparator = ':';

// Design documents, local documents, and what cannot be a document.
bool is_reserved(std::string_view id) {
    return id.starts_with('_');
}

Error illegal_partition(const char *reason) {
    return {ErrorCode::illegal_partition, reason};
}

} // namespace

std::optional<std::string_view> partition_of(std::string_view id) {
    auto end = id.find(kSeparator);
    if (is_reserved(id) || end == std::string_view::npos)
        return std::nullopt;
    return id.substr(0, end);
}

Result<void> check_partition_name(std::string_view name) {
    if (name.empty())
        return illegal_partition("Partition must not be empty");
    if (is_reserved(name))
        return illegal_partition("Partition must not start with an underscore");
    if (!is_utf8(name))
        return illegal_partition("Partition must be valid UTF-8");
    if (name.find(kSeparator) != std::string_view::npos)
        return illegal_partition("Partition must not contain a colon");
    return {};
}

Result<void> check_names_partition(std::string_view id) {
    if (!is_reserved(id) && !partition_of(id))
        return Error(ErrorCode::illegal_docid, "Doc id must be of form partition:id");
    return {};
}

Result<void> check_partitioned_id(std::string_view id) {
    if (is_reserved(id))
        return {};
    DIVAN_TRY_VOID(check_names_partition(id));
    auto partition = *partition_of(id);
    DIVAN_TRY_VOID(check_partition_name(partition));
    return check_document_id(id.substr(partition.size() + 1));
}

PartitionIds ids_of_partition(std::string_view name) {
    std::string prefix(name);
    return {prefix + kSeparator, prefix + static_cast<char>(kSeparator + 1)};
}

} // namespace divan::db
