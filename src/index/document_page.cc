#include "index/document_page.h"

#include "db/document_text.h"

namespace divan::index {
namespace {

constexpr std::string_view kDesignPrefix = "_design/";

} // namespace

Result<std::string> indexed_text(db::Database &database, const db::Head &head,
                                 const std::vector<doc::Leaf> &leaves, bool local_sequence) {
    if (head.deleted)
        return std::string();
    const db::Body *body = head.body ? &*head.body : nullptr;
    std::optional<db::Body> fetched;
    if (body == nullptr) {
        // Beyond what is read for a whole page.
        DIVAN_TRY(fetched, database.body(head, head.rev, head.recent.front().info));
        if (!fetched)
            return std::string(); // replaced and compacted since; the newer state comes again
        body = &*fetched;
    }
    std::string text;
    db::begin_document_text(text, head.id, head.rev, *body, false);
    if (local_sequence)
        text.append(",\"_local_seq\":").append(std::to_string(head.sequence.value));
    db::append_other_leaves(text, "_conflicts", leaves, false);
    db::append_other_leaves(text, "_deleted_conflicts", leaves, true);
    db::append_attachment_stubs(text, *body);
    text.push_back('}');
    return text;
}

Result<DocumentPage> read_document_page(db::Database &database, kv::Sequence since,
                                        const PageOptions &options) {
    db::Database::ChangesRange range;
    range.since = since;
    range.rows_max = options.documents_max;
    DIVAN_TRY(auto changes, database.changes(range));
    DocumentPage page;
    page.last = changes.last;
    page.more = changes.more;
    page.documents.reserve(changes.changes.size());
    std::vector<std::string> ids; // of those that have a text
    std::vector<std::size_t> places;
    std::vector<const db::Change *> wanted;
    for (auto &change : changes.changes) {
        bool left_out = !options.design_documents && change.id.starts_with(kDesignPrefix);
        if (!change.deleted && !left_out) {
            ids.push_back(change.id);
            places.push_back(page.documents.size());
            wanted.push_back(&change);
        }
        page.documents.push_back({change.id, {}});
    }
    if (ids.empty())
        return page;
    DIVAN_TRY(auto heads, database.heads(ids, {.bodies = true}));
    std::size_t text_bytes = 0;
    for (std::size_t i = 0; i < heads.size(); ++i) {
        auto place = places[i];
        if (heads[i]) {
            DIVAN_TRY(page.documents[place].text,
                      indexed_text(database, *heads[i], wanted[i]->leaves, options.local_sequence));
        }
        text_bytes += page.documents[place].text.size();
        if (text_bytes > options.text_bytes_max && place + 1 < page.documents.size()) {
            page.documents.resize(place + 1);
            page.last = changes.changes[place].sequence;
            page.more = true;
            break;
        }
    }
    return page;
}

} // namespace divan::index
