#include "design/function_document.h"

#include "db/document_text.h"

#include <algorithm>

namespace divan::design {
namespace {

constexpr std::size_t kRevisionsMax = 20; // [query_server_config] revs_limit in CouchDB

} // namespace

std::string function_document(std::string_view id, doc::RevPath path, bool deleted, const db::Body &body,
                              const std::vector<doc::Leaf> &leaves) {
    path.hashes.resize(std::min(path.hashes.size(), kRevisionsMax));
    std::string text;
    db::begin_document_text(text, id, {path.start, path.hashes.front()}, body.json, deleted);
    db::append_revisions(text, path);
    db::append_other_leaves(text, "_conflicts", leaves, false);
    db::append_attachment_stubs(text, body);
    text.push_back('}');
    return text;
}

} // namespace divan::design
