#pragma once

// Partitions: in a partitioned database the id of a document names its partition before the first colon,
// "sensor-260:2024-01-01". Design and local documents are in no partition. The rules and their texts are
// CouchDB's (couch_partition.erl). Pure.

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace divan::db {

// The partition that an id names; nullopt: none. Points into `id`.
[[nodiscard]] std::optional<std::string_view> partition_of(std::string_view id);

// Whether a partition can have this name. Errors: illegal_partition.
[[nodiscard]] Result<void> check_partition_name(std::string_view name);

// Whether a document can be looked for in a partitioned database: its id names a partition, or begins with an
// underscore. Errors: illegal_docid.
[[nodiscard]] Result<void> check_names_partition(std::string_view id);

// Whether a document can be written into a partitioned database. REQUIRES: check_document_id() takes the id.
// Errors: illegal_docid, illegal_partition.
[[nodiscard]] Result<void> check_partitioned_id(std::string_view id);

// Where the ids of a partition lie: [begin, end). No other document of a partitioned database lies there.
struct PartitionIds {
    std::string begin;
    std::string end;
};
[[nodiscard]] PartitionIds ids_of_partition(std::string_view name);

} // namespace divan::db
