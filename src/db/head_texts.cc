#include "db/head_texts.h"

#include "db/document_text.h"
#include "db/keys.h"
#include "db/tree_rows.h"

namespace divan::db {
namespace {

using format::HeadView;

bool needs_body(const HeadView &head) {
    return !head.body_inline;
}

bool needs_leaves(const HeadView &head, const TextOptions &options) {
    return head.leaf_count > 1 && (options.conflicts || options.deleted_conflicts);
}

// A document whose text needs more than its head.
struct Wanted {
    HeadView head;
    HeadTexts::Parts *parts;
};

Result<void> fetch_bodies(Database::State &state, std::span<const Wanted> wanted,
                          const kv::Snapshot *snapshot) {
    std::vector<std::string> prefixes;
    std::vector<HeadTexts::Parts *> owners;
    for (const auto &[head, parts] : wanted)
        if (needs_body(head)) {
            prefixes.push_back(keys::body(head.document_number, head.winner_body));
            owners.push_back(parts);
        }
    DIVAN_TRY(auto payloads,
              format::read_payloads(state.context.engine, state.entry.shard, prefixes, snapshot));
    for (std::size_t i = 0; i < owners.size(); ++i)
        owners[i]->body = std::move(payloads[i]);
    return {};
}

Result<void> fetch_leaves(Database::State &state, std::span<const Wanted> wanted, const TextOptions &options,
                          const kv::Snapshot *snapshot) {
    std::vector<std::vector<doc::Leaf>> recent;
    recent.reserve(wanted.size()); // the trees below borrow from it
    std::vector<StoredTree> trees;
    std::vector<HeadTexts::Parts *> owners;
    for (const auto &[head, parts] : wanted)
        if (needs_leaves(head, options)) {
            trees.push_back({head.document_number, head.tree_bytes, head.first_part, head.part_count,
                             recent.emplace_back(head.recent())});
            owners.push_back(parts);
        }
    DIVAN_TRY(auto loaded, load_trees(state.context.engine, state.entry.shard, trees, snapshot));
    for (std::size_t i = 0; i < owners.size(); ++i)
        if (loaded[i])
            owners[i]->leaves = loaded[i]->leaves();
    return {};
}

Result<void> fetch_parts(Database::State &state, std::span<const Wanted> wanted, const TextOptions &options,
                         const kv::Snapshot *snapshot) {
    DIVAN_TRY_VOID(fetch_bodies(state, wanted, snapshot));
    return fetch_leaves(state, wanted, options, snapshot);
}

void append_text(std::string &out, std::string_view id, const HeadView &head, std::string_view json,
                 const HeadTexts::Parts *parts, const TextOptions &options) {
    begin_document_text(out, id, head.winner(), json, false);
    if (options.local_sequence)
        out.append(",\"_local_seq\":").append(std::to_string(head.sequence.value));
    if (parts == nullptr || !parts->leaves)
        return;
    if (options.conflicts)
        append_other_leaves(out, "_conflicts", *parts->leaves, false);
    if (options.deleted_conflicts)
        append_other_leaves(out, "_deleted_conflicts", *parts->leaves, true);
}

// `parts`: null if the head is all there is. false: something is missing.
Result<bool> append_document(std::string &out, std::string_view id, const HeadView &head,
                             const HeadTexts::Parts *parts, const TextOptions &options) {
    if (needs_body(head) && !parts->body)
        return false;
    // A tree that was written since has another winner, or other leaves beside it.
    if (needs_leaves(head, options) && (!parts->leaves || parts->leaves->front().rev != head.winner() ||
                                        parts->leaves->size() != head.leaf_count))
        return false;
    auto payload = needs_body(head) ? std::string_view(*parts->body) : head.body;
    if (auto json = format::plain_body(payload)) {
        append_text(out, id, head, *json, parts, options);
    } else {
        DIVAN_TRY(auto body, format::decode_body(payload));
        append_text(out, id, head, body.json, parts, options);
        append_attachment_stubs(out, body);
    }
    out.push_back('}');
    return true;
}

} // namespace

Result<bool> HeadTexts::append(std::string &out, std::size_t row) {
    auto [id, value] = rows_[row];
    if (value.empty() || format::head_is_deleted(value))
        return false;
    DIVAN_TRY(auto head, format::view_head(value));
    if (!needs_body(head) && !needs_leaves(head, options_))
        return append_document(out, id, head, nullptr, options_);
    if (row >= fetched_end_) {
        DIVAN_TRY_VOID(fetch(row));
    }
    DIVAN_CHECK(parts_.front().row == row);
    auto parts = std::move(parts_.front());
    parts_.pop_front();
    DIVAN_TRY(bool whole, append_document(out, id, head, &parts, options_));
    return whole ? Result<bool>(true) : append_again(out, id);
}

Result<std::optional<std::string_view>> HeadTexts::stored(std::size_t row) const {
    std::optional<std::string_view> none;
    auto value = rows_[row].value;
    bool adds = options_.local_sequence || options_.conflicts || options_.deleted_conflicts;
    if (!options_.plain_members || adds || value.empty() || format::head_is_deleted(value))
        return none;
    DIVAN_TRY(auto head, format::view_head(value));
    return needs_body(head) ? none : format::plain_body(head.body);
}

// Reads what the rows from `begin` on need, as many as fit, the first in any case.
Result<void> HeadTexts::fetch(std::size_t begin) {
    parts_.clear();
    std::vector<Wanted> wanted;
    std::size_t bytes = 0;
    auto row = begin;
    for (; row < rows_.size(); ++row) {
        auto value = rows_[row].value;
        if (value.empty() || format::head_is_deleted(value))
            continue;
        DIVAN_TRY(auto head, format::view_head(value));
        auto more =
            (needs_body(head) ? head.winner_bytes : 0) + (needs_leaves(head, options_) ? head.tree_bytes : 0);
        if (row > begin && bytes + more > parts_bytes_max_)
            break;
        bytes += more;
        if (needs_body(head) || needs_leaves(head, options_))
            wanted.push_back({head, &parts_.emplace_back(Parts{row, {}, {}})});
    }
    fetched_end_ = row;
    return fetch_parts(state_, wanted, options_, nullptr);
}

// A document that was written since its head was read: all of it anew, as it is at one moment.
Result<bool> HeadTexts::append_again(std::string &out, std::string_view id) const {
    auto &engine = state_.context.engine;
    DIVAN_TRY(auto snapshot, engine.snapshot());
    DIVAN_TRY(auto rows, format::read_rows(engine, state_.entry.shard, {keys::head(id)}, snapshot.get()));
    if (!rows.front() || format::head_is_deleted(*rows.front()))
        return false;
    DIVAN_TRY(auto head, format::view_head(*rows.front()));
    Parts parts{};
    Wanted wanted{head, &parts};
    DIVAN_TRY_VOID(fetch_parts(state_, std::span(&wanted, 1), options_, snapshot.get()));
    return append_document(out, id, head, &parts, options_);
}

} // namespace divan::db
