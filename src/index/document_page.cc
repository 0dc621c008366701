#include "index/document_page.h"

namespace divan::index {
namespace {

constexpr std::string_view kDesignPrefix = "_design/";

db::TextOptions text_options(const PageOptions &options) {
    return {.local_sequence = options.local_sequence, .conflicts = true, .deleted_conflicts = true};
}

// Whether a document is left out of what is derived.
bool left_out(std::string_view id, const PageOptions &options) {
    return !options.design_documents && id.starts_with(kDesignPrefix);
}

} // namespace

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
    for (auto &change : changes.changes) {
        if (!change.deleted && !left_out(change.id, options)) {
            ids.push_back(change.id);
            places.push_back(page.documents.size());
        }
        page.documents.push_back({std::move(change.id), {}});
    }
    if (ids.empty())
        return page;
    DIVAN_TRY(auto texts, database.texts(ids, text_options(options), options.text_bytes_max));
    for (std::size_t i = 0; i < texts.size(); ++i)
        if (texts[i])
            page.documents[places[i]].text = std::move(*texts[i]);
    if (texts.size() < ids.size()) {
        auto end = places[texts.size() - 1] + 1;
        page.documents.resize(end);
        page.last = changes.changes[end - 1].sequence;
        page.more = true;
    }
    return page;
}

Result<std::vector<IndexedDocument>> read_documents(db::Database &database, std::vector<std::string> ids,
                                                    const PageOptions &options) {
    std::vector<IndexedDocument> documents;
    documents.reserve(ids.size());
    for (std::size_t begin = 0; begin < ids.size();) {
        DIVAN_TRY(auto texts, database.texts(std::span(ids).subspan(begin), text_options(options)));
        for (auto &text : texts) {
            auto &id = ids[begin++];
            bool has_text = text && !left_out(id, options);
            documents.push_back({std::move(id), has_text ? std::move(*text) : std::string()});
        }
    }
    return documents;
}

} // namespace divan::index
