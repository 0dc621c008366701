#include "base/encoding.h"
#include "net/multipart.h"
#include "replication/document_retry.h"
#include "replication/document_text.h"
#include "replication/remote_peer.h"
#include "json/element_stream.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {
namespace {

constexpr std::size_t kReadBytes = 256 << 10;
constexpr std::size_t kDocumentBytesMax = 256 << 20;
// Documents that are read one by one, beside each other.
constexpr std::size_t kReadersMax = 4;
// As couch_replicator_api_wrap: what every server takes as a request line.
constexpr std::size_t kUrlBytesMax = 7'000;
// {"id":..,"docs":[{"ok":{members of the document}}]}
constexpr std::size_t kBulkGetRawDepth = 4;

Error cut_off(const Endpoint &endpoint, std::string_view what) {
    return {ErrorCode::service_unavailable,
            fmt::format("{} of {} ends before its end.", what, endpoint.shown())};
}

// A part of a multipart body as a body.
class PartBody final : public net::BodyReader {
  public:
    explicit PartBody(net::MultipartReader &reader) : reader_(reader) {}
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        return reader_.read_some(bytes_max);
    }
    [[nodiscard]] std::optional<std::uint64_t> length() const override { return std::nullopt; }

  private:
    net::MultipartReader &reader_;
};

// Attachments that are asked for one by one, of servers that send none along (PouchDB's).
class FetchedAttachments final : public AttachmentStream {
  public:
    FetchedAttachments(RemoteDatabase &remote, const Document &document)
        : remote_(remote), path_(document_path(*document.id)), rev_(document.rev->text()) {
        for (const auto &attachment : document.attachments)
            if (attachment.follows)
                names_.push_back(attachment.name);
    }

    Task<Result<std::optional<Following>>> next() override {
        answer_.reset();
        if (at_ == names_.size())
            co_return std::optional<Following>();
        RemoteRequest request;
        request.path = path_ + "/" + percent_encode(names_[at_]);
        request.query = "rev=" + percent_encode(rev_);
        request.headers.add("Accept", "*/*");
        auto answer = co_await remote_.send(std::move(request));
        if (!answer.ok())
            co_return answer.error();
        if ((*answer)->status() != 200) {
            auto error = co_await (*answer)->error();
            co_return error;
        }
        answer_ = std::move(*answer);
        co_return std::optional(Following{names_[at_++]});
    }
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        return answer_->read_some(bytes_max);
    }

  private:
    RemoteDatabase &remote_;
    const std::string path_;
    const std::string rev_;
    std::vector<std::string> names_;
    std::size_t at_ = 0;
    std::unique_ptr<RemoteAnswer> answer_;
};

// Attachments that came after all that the target has of the document are to be fetched; the others it has.
void mark_following(Document &document, const std::vector<doc::RevId> &ancestors) {
    auto known = newest_known(*document.path, ancestors);
    for (auto &attachment : document.attachments) {
        if (attachment.data || (known && attachment.revpos && *attachment.revpos <= *known))
            continue;
        attachment.follows = true;
        attachment.gzip = false;
        attachment.length = attachment.content_length;
    }
}

// The documents of an entry of `_bulk_get`; nullopt: it must be asked for by itself.
std::optional<std::vector<Document>> read_entry(const json::Value &entry) {
    const auto *docs = entry.is_object() ? entry.object().find("docs") : nullptr;
    if (docs == nullptr || !docs->is_array())
        return std::nullopt;
    std::vector<Document> documents;
    for (const auto &item : docs->array()) {
        const auto *ok = item.is_object() ? item.object().find("ok") : nullptr;
        auto document = ok == nullptr ? Result<Document>(ErrorCode::not_found) : read_source_document(*ok);
        if (!document.ok() || !document->attachments.empty())
            return std::nullopt;
        documents.push_back(std::move(*document));
    }
    return documents;
}

std::string revisions_text(const std::vector<doc::RevId> &revs, std::size_t from, std::size_t count) {
    std::string text = "[";
    for (std::size_t i = from; i < from + count; ++i)
        text.append(i > from ? ",\"" : "\"").append(revs[i].text()).append("\"");
    return percent_encode(text + "]");
}

} // namespace

Task<Result<void>> RemotePeer::give(Document document, AttachmentStream *data, DocumentReceiver &receiver) {
    remote_.context().count_read();
    auto received = co_await receiver.receive(std::move(document), data);
    co_return received;
}

// What some readers take turns with.
struct RemotePeer::OneByOne {
    std::vector<MissingDocument> wanted;
    DocumentReceiver &receiver;
    std::size_t next = 0;
    Result<void> result = {};
};

Task<void> RemotePeer::read_one_by_one(OneByOne &work) {
    while (work.next < work.wanted.size() && work.result.ok()) {
        auto read = co_await read_one(std::move(work.wanted[work.next++]), work.receiver);
        if (!read.ok() && work.result.ok())
            work.result = std::move(read);
    }
}

Task<Result<void>> RemotePeer::read(std::vector<MissingDocument> wanted, DocumentReceiver &receiver) {
    if (has_bulk_get_ && replication().tuning.use_bulk_get) {
        auto left = co_await bulk_get(std::move(wanted), receiver);
        if (!left.ok())
            co_return left.error();
        wanted = std::move(*left);
    }
    OneByOne work{std::move(wanted), receiver};
    TaskGroup readers(remote_.context().context.loop);
    for (std::size_t i = 0; i < std::min(kReadersMax, work.wanted.size()); ++i)
        readers.start(read_one_by_one(work));
    co_await readers.join();
    co_return std::move(work.result);
}

Task<Result<std::vector<MissingDocument>>> RemotePeer::bulk_get(std::vector<MissingDocument> wanted,
                                                                DocumentReceiver &receiver) {
    auto &statistics = remote_.context().progress.statistics;
    RemoteRequest request;
    request.method = "POST";
    request.path = "/_bulk_get";
    request.query = "latest=true&revs=true";
    json::ObjectWriter writer(request.body);
    writer.key("docs");
    std::vector<std::size_t> owners; // of each entry, which document it is of
    request.body.push_back('[');
    for (std::size_t i = 0; i < wanted.size(); ++i)
        for (const auto &rev : wanted[i].revs) {
            if (!owners.empty())
                request.body.push_back(',');
            json::ObjectWriter entry(request.body);
            entry.member("id", std::string_view(wanted[i].id)).member("rev", std::string_view(rev.text()));
            entry.close();
            owners.push_back(i);
        }
    request.body.push_back(']');
    writer.close();
    statistics.bulk_get_attempts += owners.size();

    auto answer = co_await remote_.send(std::move(request));
    if (!answer.ok()) {
        // It may be this request that is too much for the source: documents one by one may pass.
        if (!may_pass(answer.error()))
            co_return answer.error();
        co_return wanted;
    }
    if ((*answer)->status() != 200 || (*answer)->media_type() != "application/json") {
        has_bulk_get_ = (*answer)->status() == 200 || (*answer)->status() == 413;
        co_return wanted;
    }
    std::vector<bool> alone(wanted.size(), false);
    std::vector<std::size_t> taken(wanted.size(), 0);
    std::size_t at = 0;
    json::ElementStream stream("results");
    for (;;) {
        auto bytes = co_await (*answer)->read_some(kReadBytes);
        if (!bytes.ok() || bytes->empty() || !stream.feed(*bytes).ok())
            break; // what did not arrive is asked for again, alone
        while (auto text = stream.next()) {
            if (at == owners.size())
                break;
            auto owner = owners[at++];
            auto value = json::parse(*text, {.raw_depth = kBulkGetRawDepth});
            auto documents = value.ok() ? read_entry(*value) : std::nullopt;
            if (!documents) {
                alone[owner] = true;
                continue;
            }
            for (auto &document : *documents) {
                ++statistics.bulk_get_docs;
                auto given = co_await give(std::move(document), nullptr, receiver);
                if (!given.ok())
                    co_return given.error();
            }
            ++taken[owner];
        }
    }
    std::vector<MissingDocument> left;
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (alone[i] || taken[i] < wanted[i].revs.size())
            left.push_back(std::move(wanted[i]));
    co_return left;
}

Task<Result<void>> RemotePeer::read_one(MissingDocument wanted, DocumentReceiver &receiver) {
    auto read_once = [&](const MissingDocument &document) { return open_revs(document, receiver); };
    auto &context = remote_.context();
    auto read = co_await read_persistently(context, Cause::source, std::move(wanted), read_once);
    co_return read;
}

Task<Result<void>> RemotePeer::open_revs(const MissingDocument &wanted, DocumentReceiver &receiver) {
    for (std::size_t from = 0; from < wanted.revs.size();) {
        RemoteRequest request;
        request.path = document_path(wanted.id);
        request.headers.add("Accept", "multipart/mixed");
        auto count = wanted.revs.size() - from;
        auto base = std::string("revs=true&latest=true&open_revs=");
        auto revisions = revisions_text(wanted.revs, from, count);
        while (count > 1 &&
               endpoint().path.size() + request.path.size() + base.size() + revisions.size() > kUrlBytesMax) {
            count = (count + 1) / 2;
            revisions = revisions_text(wanted.revs, from, count);
        }
        request.query = base + revisions;
        // As many of the newest as fit: what the target does not name is sent once more.
        auto known = wanted.possible_ancestors.size();
        while (known > 0) {
            auto ancestors = "&atts_since=" + revisions_text(wanted.possible_ancestors, 0, known);
            if (request.path.size() + request.query.size() + ancestors.size() <= kUrlBytesMax) {
                request.query.append(ancestors);
                break;
            }
            known /= 2;
        }
        auto answer = co_await remote_.send(std::move(request));
        if (!answer.ok())
            co_return answer.error();
        if ((*answer)->status() != 200) {
            auto error = co_await (*answer)->error();
            co_return error;
        }
        Result<void> read;
        if ((*answer)->media_type().starts_with("multipart/"))
            read = co_await read_parts(**answer, receiver);
        else
            read = co_await read_list(**answer, wanted, receiver);
        if (!read.ok())
            co_return read;
        from += count;
    }
    co_return Result<void>();
}

Task<Result<void>> RemotePeer::read_parts(RemoteAnswer &answer, DocumentReceiver &receiver) {
    auto boundary = net::multipart_boundary(answer.headers().find("Content-Type").value_or(""));
    if (!boundary)
        co_return cut_off(endpoint(), "An answer");
    net::MultipartReader reader(answer, *boundary);
    for (;;) {
        auto part = co_await reader.next_part();
        if (!part.ok())
            co_return part.error();
        if (!*part)
            co_return Result<void>();
        PartBody body(reader);
        auto type = std::string((**part).find("Content-Type").value_or(""));
        auto inner = net::multipart_boundary(type);
        std::optional<net::MultipartReader> related;
        if (inner) {
            related.emplace(body, *inner);
            auto first = co_await related->next_part();
            if (!first.ok())
                co_return first.error();
            if (!*first)
                co_return cut_off(endpoint(), "A document");
        }
        Result<std::string> text = std::string();
        if (inner)
            text = co_await related->read_all(kDocumentBytesMax);
        else
            text = co_await reader.read_all(kDocumentBytesMax);
        if (!text.ok())
            co_return text.error();
        auto value = json::parse(*text, {.raw_depth = 1});
        if (!value.ok())
            co_return value.error();
        // A revision that is gone: {"missing":"..."}
        if (value->is_object() && value->object().contains("missing"))
            continue;
        auto document = read_source_document(*value);
        if (!document.ok())
            co_return document.error();
        Result<void> given;
        if (inner && has_following(*document)) {
            wire::FollowingParts data(*related, *document);
            given = co_await give(std::move(*document), &data, receiver);
        } else {
            given = co_await give(std::move(*document), nullptr, receiver);
        }
        if (!given.ok())
            co_return given;
    }
}

Task<Result<void>> RemotePeer::read_list(RemoteAnswer &answer, const MissingDocument &wanted,
                                         DocumentReceiver &receiver) {
    // The answer is read to its end first: its connection is wanted for the attachments.
    auto text = co_await answer.read_all(kDocumentBytesMax);
    if (!text.ok())
        co_return text.error();
    auto list = json::parse(*text, {.raw_depth = 3});
    if (!list.ok() || !list->is_array())
        co_return cut_off(endpoint(), "A list of revisions");
    for (const auto &item : list->array()) {
        const auto *ok = item.is_object() ? item.object().find("ok") : nullptr;
        if (ok == nullptr)
            continue;
        auto document = read_source_document(*ok);
        if (!document.ok())
            co_return document.error();
        mark_following(*document, wanted.possible_ancestors);
        Result<void> given;
        if (has_following(*document)) {
            FetchedAttachments data(remote_, *document);
            given = co_await give(std::move(*document), &data, receiver);
        } else {
            given = co_await give(std::move(*document), nullptr, receiver);
        }
        if (!given.ok())
            co_return given;
    }
    co_return Result<void>();
}

} // namespace divan::replication
