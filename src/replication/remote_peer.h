#pragma once

// A remote database as a peer. remote_read.cc has the reading of documents, remote_write.cc the writing.

#include "replication/peer.h"
#include "replication/remote_database.h"

namespace divan::replication {

class RemotePeer final : public Peer {
  public:
    RemotePeer(PeerContext context, const Endpoint &endpoint) : remote_(context, endpoint) {}

    [[nodiscard]] const Endpoint &endpoint() const override { return remote_.endpoint(); }
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
    [[nodiscard]] const Replication &replication() { return remote_.context().replication; }
    [[nodiscard]] RemoteRequest changes_request(const ChangesQuery &query);
    Task<Result<ChangesPage>> read_changes(RemoteRequest request, std::size_t rows_max);

    // ---- remote_read.cc
    // Reads all at once; those that need a request of their own come back.
    Task<Result<std::vector<MissingDocument>>> bulk_get(std::vector<MissingDocument> wanted,
                                                        DocumentReceiver &receiver);
    struct OneByOne;
    Task<void> read_one_by_one(OneByOne &work);
    Task<Result<void>> read_one(MissingDocument wanted, DocumentReceiver &receiver);
    Task<Result<void>> open_revs(const MissingDocument &wanted, DocumentReceiver &receiver);
    Task<Result<void>> read_parts(RemoteAnswer &answer, DocumentReceiver &receiver);
    Task<Result<void>> read_list(RemoteAnswer &answer, const MissingDocument &wanted,
                                 DocumentReceiver &receiver);
    Task<Result<void>> give(Document document, AttachmentStream *data, DocumentReceiver &receiver);

    // ---- remote_write.cc
    Task<Result<std::vector<Refusal>>> write_texts(std::vector<const Document *> documents,
                                                   const std::vector<std::string> &texts);

    RemoteDatabase remote_;
    bool has_bulk_get_ = true;  // until it turns out that it has not
    bool filters_here_ = false; // the server cannot
};

} // namespace divan::replication
