#include "api/included_documents.h"

#include "wire/revision_selection.h"
#include "json/parser.h"

#include <unordered_map>

namespace divan::api {
namespace {

// A string member; nullopt: it is none.
std::optional<std::string> string_of(const json::Value &raw) {
    auto value = json::parse(raw.raw_text(), {.depth_max = json::kAnyDepth});
    if (!value.ok() || !value->is_string())
        return std::nullopt;
    return value->string();
}

} // namespace

LinkedDocument linked_document(std::string_view value) {
    // Most values are no objects, or have no such members: they are not parsed.
    if (!value.starts_with('{') ||
        (value.find("\"_id\"") == std::string_view::npos && value.find("\"_rev\"") == std::string_view::npos))
        return {};
    auto parsed = json::parse(value, {.depth_max = json::kAnyDepth, .raw_depth = 1});
    if (!parsed.ok() || !parsed->is_object())
        return {};
    LinkedDocument linked;
    if (const auto *id = parsed->object().find("_id")) {
        linked.id = string_of(*id);
        linked.none |= !linked.id;
    }
    if (const auto *rev = parsed->object().find("_rev")) {
        auto text = string_of(*rev);
        auto id = doc::RevId::parse(text.value_or(""));
        if (id.ok())
            linked.rev = std::move(*id);
        else
            linked.none = true;
    }
    return linked;
}

Result<void> IncludedDocuments::read(std::span<const views::Row> rows) {
    references_.clear();
    std::vector<std::string> ids;
    std::unordered_map<std::string, std::size_t> places;
    bool revisions = false;
    for (const auto &row : rows) {
        auto linked = linked_document(row.value);
        auto &reference = references_.emplace_back();
        if (linked.none)
            continue;
        auto &id = linked.id ? *linked.id : row.id;
        auto [place, is_new] = places.emplace(id, ids.size());
        if (is_new)
            ids.push_back(id);
        revisions |= linked.rev.has_value();
        reference = Reference{place->second, std::move(linked.rev)};
    }
    DIVAN_TRY(heads_, database_.heads(ids, {.bodies = true, .trees = revisions || !options_.plain()}));
    return {};
}

Result<void> IncludedDocuments::append(std::string &out, std::size_t row) {
    const auto &reference = references_[row];
    const auto *head = reference && heads_[reference->head] ? &*heads_[reference->head] : nullptr;
    if (head != nullptr && (!reference->rev || (*reference->rev == head->rev && !head->deleted))) {
        if (!head->deleted)
            return wire::append_winner(out, database_, *head, options_);
        head = nullptr;
    }
    if (head != nullptr) {
        DIVAN_TRY(auto tree, database_.tree(*head));
        auto selected = wire::select_revisions(tree, std::vector{*reference->rev}, false);
        if (!selected.found.empty()) {
            auto document = wire::write_document(database_, *head, tree, selected.found.front(), options_);
            if (document.ok()) {
                out.append(document->json);
                return {};
            }
            // Compaction took the body.
            if (document.error().code() != ErrorCode::not_found)
                return document.error();
        }
    }
    out.append("null");
    return {};
}

} // namespace divan::api
