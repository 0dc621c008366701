#include "base/bytes.h"
#include "db/database_state.h"
#include "db/keys.h"
#include "db/tree_rows.h"
#include "db/visibility.h"
#include "doc/document_id.h"

#include <algorithm>

namespace divan::db {
namespace {

// Documents read by one call to the engine.
constexpr std::size_t kHeadsPerReadMax = 1'000;

// The key behind another in the order of keys.
std::string next_key(std::string_view key) {
    return std::string(key) + '\0';
}

} // namespace

Result<std::optional<Head>> Database::head(std::string_view id) {
    DIVAN_TRY_VOID(state_->check_open());
    DIVAN_TRY_VOID(state_->check_known_id(id));
    DIVAN_TRY(auto value, state_->read(kv::Table::documents, keys::head(id)));
    if (!value)
        return std::optional<Head>();
    DIVAN_TRY(auto head, format::to_head(std::string(id), *value));
    DIVAN_TRY(bool shown, shows(head));
    return shown ? std::optional<Head>(std::move(head)) : std::nullopt;
}

bool Database::head_cached(std::string_view id, Result<std::optional<Head>> &head) {
    auto allowed = state_->check_open();
    if (allowed.ok())
        allowed = state_->check_known_id(id);
    if (!allowed.ok()) {
        head = allowed.error();
        return true;
    }
    std::optional<std::string> value;
    auto key = keys::head(id);
    if (!state_->context.engine.read_cached(state_->entry.shard, {kv::Table::documents, key}, value))
        return false;
    if (!value) {
        head = std::optional<Head>();
        return true;
    }
    auto decoded = format::to_head(std::string(id), *value);
    if (decoded.ok() && visibility_ != nullptr) {
        // Whether it is shown may take more reads.
        if (decoded->deleted || (!decoded->body && hides_documents() && !verdict(*decoded)))
            return false;
        auto shown = shows(*decoded);
        if (!shown.ok() || !*shown) {
            head = shown.ok() ? Result<std::optional<Head>>(std::optional<Head>()) : shown.error();
            return true;
        }
    }
    if (decoded.ok())
        head = std::optional<Head>(std::move(decoded).value());
    else
        head = decoded.error();
    return true;
}

Result<std::vector<std::optional<Head>>> Database::heads(std::span<const std::string> ids, HeadParts parts) {
    DIVAN_TRY_VOID(state_->check_open());
    std::vector<std::optional<Head>> heads;
    heads.reserve(ids.size());
    for (std::size_t begin = 0; begin < ids.size(); begin += kHeadsPerReadMax) {
        auto part = ids.subspan(begin, std::min(kHeadsPerReadMax, ids.size() - begin));
        std::vector<std::string> keys;
        std::vector<kv::KeyRef> refs;
        keys.reserve(part.size());
        refs.reserve(part.size());
        for (const auto &id : part) {
            keys.push_back(keys::head(id));
            refs.push_back({kv::Table::documents, keys.back()});
        }
        DIVAN_TRY(auto values, state_->context.engine.read(state_->entry.shard, refs));
        for (std::size_t i = 0; i < part.size(); ++i) {
            auto &head = heads.emplace_back();
            if (values[i]) {
                DIVAN_TRY(head, format::to_head(part[i], *values[i]));
            }
        }
    }
    std::vector<Head *> found;
    for (auto &head : heads)
        if (head)
            found.push_back(&*head);
    DIVAN_TRY_VOID(fetch(found, parts_to_judge(parts)));
    DIVAN_TRY_VOID(drop_hidden(heads));
    return heads;
}

Result<HeadPage> Database::scan_heads(const HeadRange &range) {
    DIVAN_TRY_VOID(state_->check_open());
    kv::ScanRequest request;
    request.shard = state_->entry.shard;
    request.begin = keys::head(range.begin);
    request.end = range.end ? keys::head(*range.end) : prefix_end(keys::kHeadPrefix);
    request.reverse = range.reverse;
    request.rows_max = range.rows_max;
    HeadPage result;
    if (request.begin >= request.end)
        return result;
    DIVAN_TRY(auto page, state_->context.engine.scan(request));
    result.more = page.more;
    result.heads.reserve(page.size());
    for (std::size_t i = 0; i < page.size(); ++i) {
        auto id = page.key(i).substr(keys::kHeadPrefix.size());
        if (i + 1 == page.size())
            result.last_id = id;
        if (!range.with_deleted && format::head_is_deleted(page.value(i)))
            continue;
        DIVAN_TRY(auto head, format::to_head(std::string(id), page.value(i)));
        result.heads.push_back(std::move(head));
    }
    std::vector<Head *> found;
    for (auto &head : result.heads)
        found.push_back(&head);
    DIVAN_TRY_VOID(fetch(found, parts_to_judge(range.parts)));
    DIVAN_TRY_VOID(drop_hidden(result.heads));
    return result;
}

Result<std::optional<std::uint64_t>> Database::count_before(std::string_view id, bool reverse,
                                                            std::uint64_t count_max) {
    DIVAN_TRY_VOID(state_->check_open());
    if (hides_documents())
        return std::optional<std::uint64_t>();
    kv::ScanRequest request;
    request.shard = state_->entry.shard;
    request.begin = reverse ? next_key(keys::head(id)) : std::string(keys::kHeadPrefix);
    request.end = reverse ? prefix_end(keys::kHeadPrefix) : keys::head(id);
    request.rows_max = count_max + 1;
    if (request.begin >= request.end)
        return std::optional<std::uint64_t>(0);
    std::uint64_t rows = 0;
    std::uint64_t count = 0;
    for (;;) {
        DIVAN_TRY(auto page, state_->context.engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i)
            count += format::head_is_deleted(page.value(i)) ? 0 : 1;
        rows += page.size();
        if (rows > count_max)
            return std::optional<std::uint64_t>();
        if (!page.more)
            return std::optional<std::uint64_t>(count);
        request.begin = next_key(page.key(page.size() - 1));
        request.rows_max = count_max + 1 - rows;
    }
}

Result<std::optional<doc::RevTree>> Database::State::current_tree(std::string_view id) {
    DIVAN_TRY(auto snapshot, context.engine.snapshot());
    DIVAN_TRY(auto rows, format::read_rows(context.engine, entry.shard, {keys::head(id)}, snapshot.get()));
    if (!rows.front())
        return std::optional<doc::RevTree>();
    DIVAN_TRY(auto head, format::decode_head(*rows.front()));
    DIVAN_TRY(auto tree, load_tree(context.engine, entry.shard, stored_tree(head), snapshot.get()));
    return std::optional<doc::RevTree>(std::move(tree));
}

Result<doc::RevTree> Database::tree(const Head &head) {
    DIVAN_TRY(auto tree, stored_whole_tree(head));
    DIVAN_TRY_VOID(drop_hidden(head, tree));
    return tree;
}

Result<doc::RevTree> Database::stored_whole_tree(const Head &head) {
    DIVAN_TRY_VOID(state_->check_open());
    if (head.tree)
        return *head.tree;
    auto &engine = state_->context.engine;
    std::vector<StoredTree> stored{stored_tree(head)};
    DIVAN_TRY(auto loaded, load_trees(engine, state_->entry.shard, stored));
    doc::RevTree tree;
    if (loaded.front()) {
        tree = std::move(*loaded.front());
    } else {
        // The document was written since its head was read.
        DIVAN_TRY(auto current, state_->current_tree(head.id));
        if (!current)
            return tree;
        tree = std::move(*current);
        merge_history(tree, head.recent);
    }
    tree.stem(state_->meta()->revs_limit);
    return tree;
}

namespace {

// Whether the head has the body of the revision as it is shown.
bool is_shown_in(const Head &head, const doc::RevId &rev) {
    return head.is_as_shown && head.body && head.rev == rev;
}

} // namespace

Result<std::optional<Body>> Database::body(const Head &head, const doc::RevId &rev,
                                           const doc::RevInfo &info) {
    DIVAN_TRY(auto body, stored_body(head, rev, info));
    if (!body || visibility_ == nullptr || doc::is_design_id(head.id) || is_shown_in(head, rev))
        return body;
    // Each revision by its own body: another branch, or an older state, may be for others.
    if (!info.deleted && visibility_->hides_documents() && !visibility_->shows(head.id, body->json))
        return std::optional<Body>();
    put_shown_text(head.id, info.deleted, *body);
    return body;
}

Result<std::optional<Body>> Database::stored_body(const Head &head, const doc::RevId &rev,
                                                  const doc::RevInfo &info) {
    DIVAN_TRY_VOID(state_->check_open());
    if (head.body && head.rev == rev)
        return head.body;
    if (info.body == 0)
        return std::optional<Body>();
    if (auto fetched = head.leaf_bodies.find(info.body); fetched != head.leaf_bodies.end())
        return std::optional<Body>(fetched->second);
    auto prefix = keys::body(head.document_number, info.body);
    DIVAN_TRY(auto payload, format::read_chunks(state_->context.engine, state_->entry.shard, prefix));
    if (!payload) {
        // An edit moves the body that lay in the head to a row of its own; an edit that came between
        // the two reads may have moved it the other way round.
        DIVAN_TRY(auto again, (whole_ ? whole_.get() : this)->head(head.id));
        if (again && again->body && again->rev == rev)
            return again->body;
        return std::optional<Body>();
    }
    DIVAN_TRY(auto body, format::decode_body(*payload));
    return std::optional<Body>(std::move(body));
}

Result<std::map<std::string, RevsDiff>>
Database::revs_diff(const std::map<std::string, std::vector<doc::RevId>> &asked) {
    std::vector<std::string> ids;
    for (const auto &[id, revs] : asked) {
        DIVAN_TRY_VOID(state_->check_known_id(id));
        ids.push_back(id);
    }
    DIVAN_TRY(auto heads, this->heads(ids));
    // A head knows the winner and its newest ancestors, which answers most; the other trees are read at once.
    std::vector<Head *> unsure;
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (heads[i] && heads[i]->has_tree) {
            const auto &recent = heads[i]->recent;
            auto is_recent = [&](const doc::RevId &rev) {
                return std::any_of(recent.begin(), recent.end(),
                                   [&](const doc::Leaf &known) { return known.rev == rev; });
            };
            const auto &revs = asked.at(ids[i]);
            if (!std::all_of(revs.begin(), revs.end(), is_recent))
                unsure.push_back(&*heads[i]);
        }
    DIVAN_TRY_VOID(fetch(unsure, {.trees = true}));
    std::map<std::string, RevsDiff> answer;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto &revs = asked.at(ids[i]);
        RevsDiff diff;
        if (!heads[i]) {
            diff.missing = revs;
        } else {
            doc::RevTree known;
            if (heads[i]->tree || hides_documents()) {
                DIVAN_TRY(known, tree(*heads[i]));
            } else {
                merge_history(known, heads[i]->recent);
            }
            std::uint64_t newest = 0;
            for (const auto &rev : revs)
                if (!known.find(rev)) {
                    diff.missing.push_back(rev);
                    newest = std::max(newest, rev.generation);
                }
            for (const auto &leaf : known.leaves())
                if (leaf.rev.generation < newest)
                    diff.possible_ancestors.push_back(leaf.rev);
        }
        if (!diff.missing.empty())
            answer.emplace(ids[i], std::move(diff));
    }
    return answer;
}

} // namespace divan::db
