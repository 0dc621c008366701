#include "base/encoding.h"
#include "net/gzip.h"
#include "net/multipart.h"
#include "replication/document_retry.h"
#include "replication/document_text.h"
#include "replication/remote_peer.h"
#include "wire/related_writer.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {
namespace {

constexpr std::size_t kReadBytes = 256 << 10;

bool refuses_document(const Error &error) {
    switch (error.code()) {
    case ErrorCode::unauthorized:
    case ErrorCode::forbidden:
    case ErrorCode::too_large:
    case ErrorCode::bad_content_type:
        return true;
    case ErrorCode::bad_request:
        return error.reason().find("Attachment name") != std::string::npos;
    default:
        return false;
    }
}

// Attachments that come as gzip, inflated: for servers that would take the compressed bytes for the content.
class InflatedAttachments final : public AttachmentStream {
  public:
    explicit InflatedAttachments(AttachmentStream &data) : data_(data) {}

    Task<Result<std::optional<Following>>> next() override {
        gzip_.reset();
        bytes_.clear();
        auto following = co_await data_.next();
        if (following.ok() && *following && (**following).gzip) {
            gzip_.emplace();
            (**following).gzip = false;
        }
        co_return following;
    }
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        while (gzip_ && !gzip_->finished()) {
            if (bytes_.empty()) {
                auto more = co_await data_.read_some(bytes_max);
                if (!more.ok())
                    co_return more.error();
                if (more->empty())
                    co_return Error(ErrorCode::service_unavailable,
                                    "A compressed attachment ends before its end.");
                bytes_ = std::move(*more);
            }
            std::string_view left = bytes_;
            auto inflated = gzip_->read_some(left, bytes_max);
            if (!inflated.ok())
                co_return inflated.error();
            bytes_.erase(0, bytes_.size() - left.size());
            if (!inflated->empty())
                co_return std::move(*inflated);
        }
        co_return co_await data_.read_some(bytes_max);
    }

  private:
    AttachmentStream &data_;
    std::optional<net::GzipReader> gzip_; // of the attachment that it is at
    std::string bytes_;                   // compressed ones that wait
};

// The multipart/related text of a document and its attachments, piece by piece.
class RelatedText {
  public:
    RelatedText(const Document &document, AttachmentStream &data, std::string boundary)
        : document_(document), data_(data), boundary_(std::move(boundary)) {
        text_ = "--" + boundary_ + "\r\nContent-Type: application/json\r\n\r\n" + document_json(document);
    }

    // The whole length; nullopt if that of an attachment is not known.
    [[nodiscard]] std::optional<std::uint64_t> length() const {
        auto bytes = text_.size() + net::multipart_end(boundary_).size();
        for (const auto &attachment : document_.attachments) {
            if (!attachment.follows)
                continue;
            if (!attachment.length)
                return std::nullopt;
            bytes += part_head(attachment).size() + *attachment.length;
        }
        return bytes;
    }

    Task<Result<std::string>> next() {
        while (!done_) {
            if (in_part_) {
                auto bytes = co_await data_.read_some(kReadBytes);
                if (!bytes.ok())
                    co_return bytes.error();
                if (!bytes->empty())
                    co_return std::exchange(text_, std::string()) + *bytes;
                in_part_ = false;
                continue;
            }
            auto next = co_await data_.next();
            if (!next.ok())
                co_return next.error();
            if (*next) {
                text_.append(part_head(find((**next).name)));
                in_part_ = true;
            } else {
                text_.append(net::multipart_end(boundary_));
                done_ = true;
            }
        }
        co_return std::exchange(text_, std::string());
    }

  private:
    [[nodiscard]] const wire::AttachmentInput &find(const std::string &name) const {
        return *std::find_if(document_.attachments.begin(), document_.attachments.end(),
                             [&](const auto &attachment) { return attachment.name == name; });
    }
    [[nodiscard]] std::string part_head(const wire::AttachmentInput &attachment) const {
        return wire::attachment_part_head(boundary_, attachment.name, attachment.content_type,
                                          attachment.length, attachment.gzip);
    }

    const Document &document_;
    AttachmentStream &data_;
    const std::string boundary_;
    std::string text_; // not yielded yet
    bool in_part_ = false;
    bool done_ = false;
};

// The failures that `_bulk_docs` tells; nullopt: that is no such answer.
std::optional<std::vector<Refusal>> read_refusals(const json::Value &answer) {
    if (!answer.is_array())
        return std::nullopt;
    std::vector<Refusal> refusals;
    for (const auto &item : answer.array()) {
        if (!item.is_object())
            return std::nullopt;
        auto text = [&](const char *key) {
            const auto *member = item.object().find(key);
            return member != nullptr && member->is_string() ? member->string() : std::string();
        };
        if (text("error").empty())
            continue; // old servers tell successes, too
        refusals.push_back(
            {text("id"), text("rev"), Error(ErrorCode::forbidden, text("error"), text("reason"))});
    }
    return refusals;
}

} // namespace

Task<Result<std::vector<Refusal>>> RemotePeer::write(std::vector<Document> documents) {
    std::vector<const Document *> pointers;
    std::vector<std::string> texts;
    for (const auto &document : documents) {
        pointers.push_back(&document);
        texts.push_back(document_json(document));
    }
    auto written = co_await write_texts(std::move(pointers), texts);
    co_return written;
}

Task<Result<std::vector<Refusal>>> RemotePeer::write_texts(std::vector<const Document *> documents,
                                                           const std::vector<std::string> &texts) {
    RemoteRequest request;
    request.method = "POST";
    request.path = "/_bulk_docs";
    request.body = "{\"new_edits\":false,\"docs\":[";
    for (const auto &text : texts)
        request.body.append(&text == &texts.front() ? "" : ",").append(text);
    request.body.append("]}");
    auto answer = co_await remote_.ask(std::move(request));
    if (answer.ok()) {
        auto refusals = read_refusals(*answer);
        if (!refusals)
            co_return Error(
                ErrorCode::bad_request,
                fmt::format("{} answers a write with something else than a list.", endpoint().shown()));
        co_return *refusals;
    }
    bool too_much = answer.error().code() == ErrorCode::too_large ||
                    answer.error().code() == ErrorCode::expectation_failed;
    if (documents.size() == 1 && (too_much || refuses_document(answer.error()))) {
        const auto &document = *documents.front();
        std::vector<Refusal> refusals;
        refusals.push_back({*document.id, document.rev->text(), answer.error()});
        co_return refusals;
    }
    // Too much at once, or too much for the time that a request has: two halves may pass.
    if (documents.size() == 1 || (!too_much && !may_pass(answer.error())))
        co_return answer.error();
    auto &batch_size = remote_.context().progress.batch_size;
    batch_size = std::max<std::size_t>(1, documents.size() / 2);
    std::vector<Refusal> all;
    auto half = static_cast<std::ptrdiff_t>(documents.size() / 2);
    for (int side = 0; side < 2; ++side) {
        auto from = side == 0 ? 0 : half;
        auto to = side == 0 ? half : static_cast<std::ptrdiff_t>(documents.size());
        std::vector<const Document *> some(documents.begin() + from, documents.begin() + to);
        std::vector<std::string> some_texts(texts.begin() + from, texts.begin() + to);
        auto written = co_await write_texts(std::move(some), some_texts);
        if (!written.ok())
            co_return written.error();
        all.insert(all.end(), written->begin(), written->end());
    }
    co_return all;
}

Task<Result<std::optional<Refusal>>> RemotePeer::write_with_data(Document document, AttachmentStream &data) {
    auto boundary = hex_encode(remote_.context().context.random.bytes(16));
    InflatedAttachments inflated(data);
    bool as_it_is = remote_.takes_gzip_attachments();
    if (!as_it_is)
        for (auto &attachment : document.attachments)
            if (attachment.follows && std::exchange(attachment.gzip, false))
                attachment.length = attachment.content_length;
    RelatedText text(document, as_it_is ? data : inflated, boundary);
    RemoteRequest request;
    request.method = "PUT";
    request.path = document_path(*document.id);
    request.query = "new_edits=false";
    request.headers.add("Content-Type", "multipart/related; boundary=\"" + boundary + "\"");
    request.stream_length = text.length();
    request.stream = [&text] { return text.next(); };
    auto answer = co_await remote_.send(std::move(request));
    if (!answer.ok())
        co_return answer.error();
    if ((*answer)->status() < 300)
        co_return std::optional<Refusal>();
    auto error = co_await (*answer)->error();
    if ((*answer)->status() == 412)
        co_return Error(ErrorCode::missing_stub, error.reason());
    if (refuses_document(error))
        co_return std::optional(Refusal{*document.id, document.rev->text(), error});
    co_return error;
}

} // namespace divan::replication
