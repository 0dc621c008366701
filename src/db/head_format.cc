#include "base/bytes.h"
#include "db/format.h"
#include "db/tree_rows.h"
#include "db/value_header.h"

namespace divan::db::format {
namespace {

enum HeadFlag : std::uint8_t { kDeleted = 1, kHasTree = 2, kBodyInline = 4 };

Error damaged_head() {
    return {ErrorCode::corruption, "Stored data is damaged: a document's head."};
}

// Revisions without a gap, newest first: the generation of the first, then what differs.
void append_history(std::string &out, std::span<const doc::Leaf> history) {
    append_varint(out, history.size());
    append_varint(out, history.front().rev.generation);
    for (const auto &node : history) {
        append_sized(out, node.rev.hash.bytes());
        append_varint(out, node.info.body << 1 | (node.info.deleted ? 1 : 0));
    }
}

// What stands before the revisions of a history.
struct HistoryBegin {
    std::size_t count;
    std::uint64_t generation; // of the first
};

HistoryBegin read_history_begin(ByteReader &reader, std::string_view value) {
    HistoryBegin begin{};
    begin.count = read_value_count(reader, value);
    begin.generation = reader.varint();
    return begin;
}

std::vector<doc::Leaf> read_history(ByteReader &reader, std::string_view value) {
    auto [count, generation] = read_history_begin(reader, value);
    std::vector<doc::Leaf> history;
    history.reserve(count);
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
        doc::Leaf node;
        node.rev.generation = generation - i;
        node.rev.hash = doc::RevHash::from_bytes(reader.sized());
        auto packed = reader.varint();
        node.info.body = packed >> 1;
        node.info.deleted = (packed & 1) != 0;
        history.push_back(std::move(node));
    }
    return history;
}

// Whether generations end at 1 or before.
bool is_history(const std::vector<doc::Leaf> &history) {
    return !history.empty() && history.front().rev.generation >= history.size();
}

// Passes over a history and takes the first revision.
// Whether its generations end at 1 or before.
bool view_history(ByteReader &reader, std::string_view value, HeadView &head) {
    head.history = reader.unread();
    auto [count, generation] = read_history_begin(reader, value);
    head.winner_generation = generation;
    for (std::size_t i = 0; i < count && reader.ok(); ++i) {
        auto hash = reader.sized();
        auto packed = reader.varint();
        if (i == 0) {
            head.winner_hash = hash;
            head.winner_body = packed >> 1;
            head.deleted = (packed & 1) != 0;
        }
    }
    head.history.remove_suffix(reader.unread().size());
    return count > 0 && generation >= count;
}

} // namespace

std::string encode_head(const StoredHead &head) {
    std::string out;
    out.reserve(64 + head.recent.size() * 20 + head.body.size());
    const auto &winner = head.recent.front();
    append_value_header(out, static_cast<std::uint8_t>((winner.info.deleted ? kDeleted : 0) |
                                                       (head.has_tree ? kHasTree : 0) |
                                                       (head.body_inline ? kBodyInline : 0)));
    append_varint(out, head.sequence.value);
    append_varint(out, head.document_number);
    append_varint(out, head.leaf_count);
    append_varint(out, head.tree_bytes);
    append_varint(out, head.first_part);
    append_varint(out, head.part_count);
    append_varint(out, head.winner_bytes);
    append_varint(out, head.external_bytes);
    append_history(out, head.recent);
    if (head.body_inline)
        out.append(head.body);
    return out;
}

Result<HeadView> view_head(std::string_view value) {
    ByteReader reader(value);
    HeadView head;
    auto flags = read_value_header(reader);
    head.has_tree = (flags & kHasTree) != 0;
    head.body_inline = (flags & kBodyInline) != 0;
    head.sequence = kv::Sequence(reader.varint());
    head.document_number = reader.varint();
    head.leaf_count = reader.varint();
    head.tree_bytes = reader.varint();
    head.first_part = reader.varint();
    head.part_count = reader.varint();
    head.winner_bytes = reader.varint();
    head.external_bytes = reader.varint();
    bool sound = view_history(reader, value, head);
    if (head.body_inline)
        head.body = reader.rest();
    if (!reader.ok() || !reader.at_end() || !sound || head.part_count > kPartsMax)
        return damaged_head();
    return head;
}

std::vector<doc::Leaf> HeadView::recent() const {
    ByteReader reader(history);
    return read_history(reader, history);
}

Result<StoredHead> decode_head(std::string_view value) {
    DIVAN_TRY(auto view, view_head(value));
    StoredHead head;
    head.sequence = view.sequence;
    head.document_number = view.document_number;
    head.leaf_count = view.leaf_count;
    head.has_tree = view.has_tree;
    head.tree_bytes = view.tree_bytes;
    head.first_part = view.first_part;
    head.part_count = view.part_count;
    head.winner_bytes = view.winner_bytes;
    head.external_bytes = view.external_bytes;
    head.recent = view.recent();
    head.body_inline = view.body_inline;
    head.body = view.body;
    return head;
}

Result<Head> to_head(std::string id, std::string_view value) {
    DIVAN_TRY(auto stored, decode_head(value));
    Head head;
    head.id = std::move(id);
    head.rev = stored.recent.front().rev;
    head.deleted = stored.recent.front().info.deleted;
    head.sequence = stored.sequence;
    head.document_number = stored.document_number;
    head.leaf_count = stored.leaf_count;
    head.recent = std::move(stored.recent);
    head.has_tree = stored.has_tree;
    head.tree_bytes = stored.tree_bytes;
    head.first_part = stored.first_part;
    head.part_count = stored.part_count;
    head.body_bytes = stored.winner_bytes;
    if (stored.body_inline) {
        DIVAN_TRY(head.body, decode_body(stored.body));
    }
    return head;
}

std::string encode_history(std::span<const doc::Leaf> history) {
    std::string out;
    append_value_header(out, 0);
    append_history(out, history);
    return out;
}

Result<std::vector<doc::Leaf>> decode_history(std::string_view value) {
    ByteReader reader(value);
    read_value_header(reader);
    auto history = read_history(reader, value);
    DIVAN_TRY_VOID(reader.finish("a part of a revision tree"));
    if (!is_history(history))
        return Error(ErrorCode::corruption, "Stored data is damaged: a part of a revision tree.");
    return history;
}

RowFacts head_facts(std::string_view value) {
    ByteReader reader(value);
    RowFacts facts;
    facts.deleted = (read_value_header(reader) & kDeleted) != 0;
    facts.sequence = kv::Sequence(reader.varint());
    reader.varint(); // document_number
    facts.leaf_count = reader.varint();
    return facts;
}

bool head_is_deleted(std::string_view value) {
    return value.size() > 1 && (static_cast<std::uint8_t>(value[1]) & kDeleted) != 0;
}

} // namespace divan::db::format
