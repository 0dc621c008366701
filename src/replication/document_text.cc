#include "replication/document_text.h"

#include "base/encoding.h"
#include "db/document_text.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::replication {
namespace {

void append_attachment(std::string &out, const wire::AttachmentInput &attachment) {
    json::write_string(out, attachment.name);
    out.push_back(':');
    json::ObjectWriter writer(out);
    writer.member("content_type", std::string_view(attachment.content_type));
    if (attachment.revpos)
        writer.member("revpos", *attachment.revpos);
    if (!attachment.digest.empty())
        writer.member("digest", std::string_view(attachment.digest));
    if (attachment.data) {
        writer.member("data", std::string_view(base64_encode(*attachment.data)));
    } else {
        if (attachment.content_length)
            writer.member("length", *attachment.content_length);
        writer.member(attachment.follows ? "follows" : "stub", true);
        if (attachment.follows && attachment.gzip) {
            writer.member("encoding", "gzip");
            if (attachment.length)
                writer.member("encoded_length", *attachment.length);
        }
    }
    writer.close();
}

} // namespace

std::string document_json(const Document &document) {
    std::string text;
    db::begin_document_text(text, *document.id, *document.rev, document.json, document.deleted);
    db::append_revisions(text, *document.path);
    if (!document.attachments.empty()) {
        text.append(",\"_attachments\":{");
        for (const auto &attachment : document.attachments) {
            if (&attachment != &document.attachments.front())
                text.push_back(',');
            append_attachment(text, attachment);
        }
        text.push_back('}');
    }
    text.push_back('}');
    return text;
}

Result<Document> read_source_document(const json::Value &value) {
    DIVAN_TRY(auto document, wire::read_document(value));
    if (!document.id || !document.rev)
        return Error(ErrorCode::bad_request, "A document of the source has no _id or no _rev.");
    if (!document.path)
        document.path = doc::RevPath{document.rev->generation, {document.rev->hash}};
    return document;
}

std::string document_path(std::string_view id) {
    for (std::string_view prefix : {"_design/", "_local/"})
        if (id.starts_with(prefix))
            return "/" + std::string(prefix) + percent_encode(id.substr(prefix.size()));
    return "/" + percent_encode(id);
}

std::optional<std::uint64_t> newest_known(const doc::RevPath &path,
                                          const std::vector<doc::RevId> &ancestors) {
    std::optional<std::uint64_t> known;
    for (const auto &rev : ancestors)
        if (rev.generation <= path.start && path.start - rev.generation < path.hashes.size() &&
            path.hashes[path.start - rev.generation] == rev.hash)
            known = std::max(known.value_or(0), rev.generation);
    return known;
}

bool has_following(const Document &document) {
    return std::any_of(document.attachments.begin(), document.attachments.end(),
                       [](const auto &attachment) { return attachment.follows; });
}

} // namespace divan::replication
