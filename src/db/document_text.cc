#include "db/document_text.h"

#include "base/encoding.h"
#include "json/writer.h"

namespace divan::db {

void begin_document_text(std::string &out, std::string_view id, const doc::RevId &rev, std::string_view json,
                         bool deleted) {
    out.reserve(out.size() + json.size() + id.size() + 128);
    out.append("{\"_id\":");
    json::write_string(out, id);
    if (rev.generation > 0) {
        out.append(",\"_rev\":\"");
        rev.append_text(out);
        out.push_back('"');
    }
    if (json.size() > 2) {
        out.push_back(',');
        out.append(json.substr(1, json.size() - 2));
    }
    if (deleted)
        out.append(",\"_deleted\":true");
}

void append_revisions(std::string &out, const doc::RevPath &path) {
    out.append(",\"_revisions\":{\"start\":").append(std::to_string(path.start)).append(",\"ids\":[");
    for (std::size_t i = 0; i < path.hashes.size(); ++i) {
        out.append(i > 0 ? ",\"" : "\"");
        path.hashes[i].append_text(out);
        out.push_back('"');
    }
    out.append("]}");
}

bool append_other_leaves(std::string &out, std::string_view member, const std::vector<doc::Leaf> &leaves,
                         bool deleted) {
    bool first = true;
    for (std::size_t i = 1; i < leaves.size(); ++i) {
        if (leaves[i].info.deleted != deleted)
            continue;
        out.append(first ? std::string(",\"").append(member).append("\":[") : std::string(","));
        first = false;
        out.push_back('"');
        leaves[i].rev.append_text(out);
        out.push_back('"');
    }
    if (!first)
        out.push_back(']');
    return !first;
}

void append_attachment_stubs(std::string &out, const Body &body) {
    if (body.attachments.empty())
        return;
    out.append(",\"_attachments\":{");
    for (std::size_t i = 0; i < body.attachments.size(); ++i) {
        const auto &attachment = body.attachments[i];
        if (i > 0)
            out.push_back(',');
        json::write_string(out, attachment.name);
        out.push_back(':');
        json::ObjectWriter writer(out);
        writer.member("content_type", std::string_view(attachment.content_type));
        writer.member("revpos", attachment.revpos);
        writer.member("digest", std::string_view(attachment_digest(attachment.data)));
        writer.member("length", attachment.data.content_bytes).member("stub", true);
        writer.close();
    }
    out.push_back('}');
}

std::string document_text(std::string_view id, const doc::RevId &rev, const Body &body, bool deleted) {
    std::string out;
    begin_document_text(out, id, rev, body.json, deleted);
    append_attachment_stubs(out, body);
    out.push_back('}');
    return out;
}

std::string attachment_digest(const StoredData &data) {
    return "md5-" + base64_encode(data.md5);
}

} // namespace divan::db
