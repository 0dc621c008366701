#include "design/design_documents.h"

#include "db/document_text.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

namespace divan::design {
namespace {

constexpr std::string_view kPrefix = "_design/";
constexpr std::string_view kPrefixEnd = "_design0"; // the first id behind the prefix
// Of all databases together; those that were asked for longest ago go first.
constexpr std::size_t kDatabasesMax = 10'000;
constexpr std::size_t kBytesMax = 64 << 20;

using Document = std::shared_ptr<const DesignDocument>;
using Documents = std::vector<Document>; // in the order of their ids

Document find_in(const Documents &documents, std::string_view id) {
    auto found = std::lower_bound(
        documents.begin(), documents.end(), id,
        [](const Document &document, std::string_view wanted) { return document->id < wanted; });
    return found != documents.end() && (*found)->id == id ? *found : nullptr;
}

Result<Document> read(const db::Head &head, const db::Body &body, const selector::Limits &limits) {
    std::string text;
    db::begin_document_text(text, head.id, head.rev, body.json, false);
    db::append_attachment_stubs(text, body);
    text.push_back('}');
    DIVAN_TRY(auto document, read_design_document(head.id, head.rev.text(), text, limits));
    return std::make_shared<const DesignDocument>(std::move(document));
}

std::size_t bytes_of(const Documents &documents) {
    std::size_t bytes = sizeof(Documents);
    for (const auto &document : documents)
        bytes += document->bytes;
    return bytes;
}

// The heads of all design documents; bodies only as far as they lie in the heads.
Result<std::vector<db::Head>> read_heads(db::Database &database) {
    std::vector<db::Head> heads;
    db::HeadRange range{.begin = std::string(kPrefix), .end = std::string(kPrefixEnd)};
    for (;;) {
        DIVAN_TRY(auto page, database.scan_heads(range));
        std::move(page.heads.begin(), page.heads.end(), std::back_inserter(heads));
        if (!page.more)
            return heads;
        range.begin = page.last_id + '\0';
    }
}

// Reads what `known` does not have at the newest revision.
Result<Documents> load(db::Database &database, const Documents &known, const selector::Limits &limits) {
    DIVAN_TRY(auto heads, read_heads(database));
    Documents documents(heads.size());
    std::vector<std::size_t> missing;
    std::vector<std::string> missing_ids;
    for (std::size_t i = 0; i < heads.size(); ++i) {
        auto before = find_in(known, heads[i].id);
        if (before != nullptr && before->rev == heads[i].rev.text()) {
            documents[i] = std::move(before);
        } else if (heads[i].body) {
            DIVAN_TRY(documents[i], read(heads[i], *heads[i].body, limits));
        } else {
            missing.push_back(i);
            missing_ids.push_back(heads[i].id);
        }
    }
    if (!missing.empty()) {
        DIVAN_TRY(auto large, database.heads(missing_ids, {.bodies = true}));
        for (std::size_t i = 0; i < missing.size(); ++i) {
            if (!large[i] || large[i]->deleted)
                continue; // written meanwhile: the next call reads again
            std::optional<db::Body> body = std::move(large[i]->body);
            if (!body) { // behind what is fetched together
                DIVAN_TRY(body, database.body(*large[i]));
            }
            if (!body)
                continue;
            DIVAN_TRY(documents[missing[i]], read(*large[i], *body, limits));
        }
    }
    std::erase(documents, nullptr);
    return documents;
}

} // namespace

struct DesignDocuments::State {
    explicit State(std::function<selector::Limits()> selector_limits) : limits(std::move(selector_limits)) {}

    struct Entry {
        std::string database; // uuid
        std::uint64_t version = 0;
        std::size_t bytes = 0;
        std::shared_ptr<const Documents> documents;
    };

    std::shared_ptr<const Documents> find(const std::string &uuid, std::uint64_t version) {
        std::lock_guard lock(mutex_);
        auto found = by_database_.find(uuid);
        if (found == by_database_.end() || found->second->version != version)
            return nullptr;
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->documents;
    }

    // Whatever version they are of.
    std::shared_ptr<const Documents> find_any(const std::string &uuid) {
        std::lock_guard lock(mutex_);
        auto found = by_database_.find(uuid);
        return found == by_database_.end() ? std::make_shared<const Documents>() : found->second->documents;
    }

    void keep(Entry entry) {
        std::lock_guard lock(mutex_);
        if (auto found = by_database_.find(entry.database); found != by_database_.end()) {
            if (found->second->version > entry.version)
                return;
            drop(found->second);
        }
        bytes_ += entry.bytes;
        entries_.push_front(std::move(entry));
        by_database_[entries_.front().database] = entries_.begin();
        while (entries_.size() > 1 && (entries_.size() > kDatabasesMax || bytes_ > kBytesMax))
            drop(std::prev(entries_.end()));
    }

    const std::function<selector::Limits()> limits;

  private:
    void drop(std::list<Entry>::iterator entry) {
        bytes_ -= entry->bytes;
        by_database_.erase(entry->database);
        entries_.erase(entry);
    }

    std::mutex mutex_;
    std::list<Entry> entries_; // the newest use first
    std::unordered_map<std::string, std::list<Entry>::iterator> by_database_;
    std::size_t bytes_ = 0;
};

DesignDocuments::DesignDocuments(std::function<selector::Limits()> limits)
    : state_(std::make_unique<State>(std::move(limits))) {}
DesignDocuments::~DesignDocuments() = default;

std::shared_ptr<const Documents> DesignDocuments::all_cached(const db::Database &database) {
    if (!database.has_design_documents())
        return std::make_shared<const Documents>();
    return state_->find(database.uuid(), database.design_version());
}

Result<std::shared_ptr<const Documents>> DesignDocuments::snapshot(db::Database &database) {
    if (auto cached = all_cached(database))
        return cached;
    // Before they are read: what is read later is as new as this version, or newer.
    auto version = database.design_version();
    DIVAN_TRY(auto documents, load(database, *state_->find_any(database.uuid()), state_->limits()));
    auto shared = std::make_shared<const Documents>(std::move(documents));
    state_->keep({database.uuid(), version, bytes_of(*shared), shared});
    return std::shared_ptr<const Documents>(shared);
}

Result<Document> DesignDocuments::find(const std::shared_ptr<db::Database> &database, std::string_view id) {
    DIVAN_TRY(auto documents, snapshot(*database));
    if (auto found = find_in(*documents, id))
        return found;
    DIVAN_TRY(auto head, database->head(id));
    return Error(ErrorCode::not_found, head && head->deleted ? "deleted" : "missing");
}

Document DesignDocuments::find_cached(const std::shared_ptr<db::Database> &database, std::string_view id) {
    auto documents = all_cached(*database);
    return documents == nullptr ? nullptr : find_in(*documents, id);
}

Result<Documents> DesignDocuments::all(const std::shared_ptr<db::Database> &database) {
    DIVAN_TRY(auto documents, snapshot(*database));
    return *documents;
}

} // namespace divan::design
