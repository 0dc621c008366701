#pragma once

// A database of this server as a peer, read and written without HTTP. local_read.cc has the reading of
// documents, local_write.cc the writing.

#include "feed/page_reader.h"
#include "replication/peer.h"

namespace divan::replication {

class LocalPeer final : public Peer {
  public:
    // `database` is null if there is none, yet.
    LocalPeer(PeerContext context, const Endpoint &endpoint, std::shared_ptr<db::Database> database);

    [[nodiscard]] const Endpoint &endpoint() const override { return endpoint_; }
    Task<Result<PeerInfo>> info() override;
    Task<Result<void>> create() override;
    Task<Result<std::optional<json::Object>>> read_document(std::string id) override;
    Task<Result<std::string>> write_local(std::string id, json::Object document) override;
    Task<Result<ChangesPage>> changes(ChangesQuery query) override;
    Task<Result<void>> read(std::vector<MissingDocument> wanted, DocumentReceiver &receiver) override;
    Task<Result<std::vector<MissingDocument>>>
    revs_diff(const std::vector<ChangedDocument> &changes) override;
    Task<Result<std::vector<Refusal>>> write(std::vector<Document> documents) override;
    Task<Result<std::optional<Refusal>>> write_with_data(Document document, AttachmentStream &data) override;
    Task<Result<std::string>> ensure_full_commit() override;

  private:
    template <typename Work> auto on_pool(Work work) {
        return run_on(context_.context.pool, context_.context.loop, std::move(work));
    }
    // What is read of a document at once.
    struct Revision {
        Document document;
        db::Body attachments; // without json
    };
    Result<std::vector<Revision>> read_some(std::vector<MissingDocument> &wanted, std::size_t &at);
    Task<Result<void>> give(Revision revision, DocumentReceiver &receiver);
    Task<Result<void>> read_streamed(const MissingDocument &missing, DocumentReceiver &receiver);
    Result<feed::PageOptions> page_options();
    Task<Result<feed::Page>> read_page(std::size_t rows_max);
    Task<Result<void>> judge(const std::shared_ptr<feed::FilterBatch> &batch);
    Task<Result<std::vector<Result<db::Written>>>> commit(std::vector<db::Edit> edits);

    PeerContext context_;
    const Endpoint &endpoint_;
    std::shared_ptr<db::Database> database_;
    const std::string user_context_;
    std::optional<feed::PageReader> reader_;
    std::string reader_at_; // where it is, as it was told
    std::shared_ptr<Event> event_;
};

} // namespace divan::replication
