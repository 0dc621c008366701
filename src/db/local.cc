#include "base/bytes.h"
#include "db/database_state.h"
#include "db/keys.h"
#include "db/store.h"

#include <charconv>

namespace divan::db {
namespace {

constexpr std::string_view kLocalIdPrefix = "_local/";
// Larger local documents lie in chunks.
constexpr std::size_t kInlineBytesMax = 256 << 10;

std::string row_key(std::string_view id) {
    return keys::local(id.substr(kLocalIdPrefix.size()));
}

std::string chunks_prefix(std::uint64_t key) {
    std::string prefix = "v";
    append_u64(prefix, key);
    return prefix;
}

std::string next_rev(const std::optional<std::string> &rev) {
    std::uint64_t number = 0;
    if (rev && rev->starts_with("0-")) {
        auto digits = std::string_view(*rev).substr(2);
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    }
    return "0-" + std::to_string(number + 1);
}

Result<LocalDocument> to_document(Database::State &state, std::string id, std::string_view value) {
    DIVAN_TRY(auto stored, format::decode_local(value));
    LocalDocument document{std::move(id), std::move(stored.rev), std::move(stored.json)};
    if (stored.chunks_key != 0) {
        DIVAN_TRY(auto payload, format::read_chunks(state.context.engine, state.entry.shard,
                                                    chunks_prefix(stored.chunks_key)));
        if (!payload)
            return ErrorCode::corruption;
        document.json = std::move(*payload);
    }
    return document;
}

// Writes or erases one local document.
class LocalOperation final : public Operation {
  public:
    // json == nullopt: erase.
    LocalOperation(std::string id, std::string rev, std::optional<std::string> json,
                   UniqueFunction<void(Result<bool>)> done)
        : id_(std::move(id)), rev_(std::move(rev)), json_(std::move(json)), done_(std::move(done)) {}

    void collect_rows(std::vector<std::string> &keys) const override { keys.push_back(row_key(id_)); }

    Result<void> apply(CommitGroup &group) override {
        auto key = row_key(id_);
        auto &row = group.row(key);
        existed_ = row.has_value();
        if (row) {
            DIVAN_TRY(auto stored, format::decode_local(*row));
            if (stored.chunks_key != 0)
                format::erase_chunks(group.batch(), chunks_prefix(stored.chunks_key), stored.chunk_bytes);
        }
        if (!json_) {
            if (existed_)
                group.batch().erase(kv::Table::documents, key);
            row.reset();
            return {};
        }
        format::StoredLocal stored{rev_, {}, 0, 0};
        if (json_->size() <= kInlineBytesMax) {
            stored.json = *json_;
        } else {
            stored.chunks_key = group.database().context.random_number();
            stored.chunk_bytes = json_->size();
            format::put_chunks(group.batch(), chunks_prefix(stored.chunks_key), {}, *json_);
        }
        row = format::encode_local(stored);
        group.batch().put(kv::Table::documents, key, *row);
        return {};
    }

    void answer(const Result<void> &outcome) override {
        if (outcome.ok())
            done_(existed_);
        else
            done_(outcome.error());
    }

  private:
    std::string id_;
    std::string rev_;
    std::optional<std::string> json_;
    bool existed_ = false;
    UniqueFunction<void(Result<bool>)> done_;
};

} // namespace

Result<std::optional<LocalDocument>> Database::local(std::string_view id) {
    DIVAN_TRY_VOID(state_->check_open());
    DIVAN_TRY(auto value, state_->read(kv::Table::documents, row_key(id)));
    if (!value)
        return std::optional<LocalDocument>();
    DIVAN_TRY(auto document, to_document(*state_, std::string(id), *value));
    return std::optional<LocalDocument>(std::move(document));
}

Result<std::string> Database::write_local(std::string id, std::string json,
                                          const std::optional<std::string> &rev, bool keep_rev) {
    DIVAN_TRY_VOID(check_document_id(id));
    DIVAN_TRY_VOID(state_->check_writable());
    auto new_rev = keep_rev && rev ? *rev : next_rev(rev);
    auto written = state_->run<Result<bool>>([&](auto done) {
        return std::make_unique<LocalOperation>(std::move(id), new_rev, std::move(json), std::move(done));
    });
    if (!written.ok())
        return written.error();
    return new_rev;
}

Result<bool> Database::erase_local(std::string_view id) {
    DIVAN_TRY_VOID(state_->check_writable());
    return state_->run<Result<bool>>([&](auto done) {
        return std::make_unique<LocalOperation>(std::string(id), std::string(), std::nullopt,
                                                std::move(done));
    });
}

Result<Database::LocalPage> Database::scan_local(std::string begin, std::optional<std::string> end,
                                                 bool reverse, std::size_t rows_max) {
    DIVAN_TRY_VOID(state_->check_open());
    DIVAN_TRY_VOID(check_shows_all("Lists of local documents"));
    // Ids sort as they are; a bound below or above all local ids is clipped to them.
    auto to_key = [](const std::string &id) {
        if (id.starts_with(kLocalIdPrefix))
            return row_key(id);
        return id < kLocalIdPrefix ? std::string(keys::kLocalPrefix) : prefix_end(keys::kLocalPrefix);
    };
    kv::ScanRequest request;
    request.shard = state_->entry.shard;
    request.begin = to_key(begin);
    request.end = end ? to_key(*end) : prefix_end(keys::kLocalPrefix);
    request.reverse = reverse;
    request.rows_max = rows_max;
    LocalPage result;
    if (request.begin >= request.end)
        return result;
    DIVAN_TRY(auto page, state_->context.engine.scan(request));
    result.more = page.more;
    for (std::size_t i = 0; i < page.size(); ++i) {
        auto id = std::string(kLocalIdPrefix).append(page.key(i).substr(keys::kLocalPrefix.size()));
        DIVAN_TRY(auto document, to_document(*state_, std::move(id), page.value(i)));
        result.documents.push_back(std::move(document));
    }
    return result;
}

} // namespace divan::db
