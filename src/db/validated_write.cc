#include "db/validated_write.h"

#include <algorithm>
#include <map>

namespace divan::db {
namespace {

// Rounds of a write whose states are changed by others each time. A writer that knows its revision is
// refused in the second round; only replicated edits and changes of design documents go further.
constexpr int kRoundsMax = 20;
// Ancestors that are looked through for one whose body is still there.
constexpr std::size_t kAncestorsMax = 16;

// A document while a round is prepared.
struct Known {
    std::optional<Head> head;
    doc::RevTree tree;
    // Edits of the same write that came before, by their number in `tree`.
    std::map<std::uint64_t, const JudgedEdit *> earlier;
};

class ValidatedWrite : public std::enable_shared_from_this<ValidatedWrite> {
  public:
    ValidatedWrite(std::shared_ptr<Database::State> state, std::vector<Edit> edits, WriteContext context,
                   Database::WriteDone done)
        : state_(std::move(state)), database_(state_), context_(std::move(context)), done_(std::move(done)),
          answers_(edits.size(), Result<Written>(ErrorCode::cancelled)) {
        for (std::size_t i = 0; i < edits.size(); ++i)
            pending_.push_back({i, std::move(edits[i])});
    }

    void post_round() {
        state_->context.pool.post([self = shared_from_this()] { self->begin_round(); });
    }

  private:
    struct Pending {
        std::size_t index; // of its answer
        Edit edit;
    };

    void begin_round() {
        auto begun = try_round();
        if (!begun.ok())
            answer_pending(begun.error());
    }

    // Errors: of all edits that have no answer yet.
    Result<void> try_round() {
        if (++round_ > kRoundsMax)
            return Error(ErrorCode::service_unavailable,
                         "The documents are changed by others faster than they can be validated: try again.");
        // Before anything is read: what is judged is as new as this version, or newer.
        auto version = database_.design_version();
        std::vector<const Edit *> edits;
        for (const auto &pending : pending_)
            edits.push_back(&pending.edit);
        DIVAN_TRY(auto selected, state_->context.validator->judged(database_, context_, edits));
        std::vector<JudgedEdit> judged;
        judged_.clear();
        expected_ = nullptr;
        if (!selected.empty()) {
            expected_ = std::make_shared<ExpectedStates>();
            expected_->design_version = version;
            expected_->judged = std::move(selected);
            expected_->replaced.resize(pending_.size());
            expected_->stale.assign(pending_.size(), false);
            DIVAN_TRY(judged, prepare());
        }
        if (judged.empty()) {
            commit({});
            return {};
        }
        state_->context.validator->judge(database_, context_, std::move(judged),
                                         [self = shared_from_this()](std::vector<Result<void>> verdicts) {
                                             self->commit(std::move(verdicts));
                                         });
        return {};
    }

    // What is to be judged, and in expected_ the states that it was found to replace.
    Result<std::vector<JudgedEdit>> prepare() {
        std::vector<std::string> ids;
        for (const auto &pending : pending_)
            ids.push_back(pending.edit.id);
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        DIVAN_TRY(auto heads, database_.heads(ids, {.bodies = true, .trees = true}));
        std::map<std::string_view, Known> documents;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            auto &known = documents[ids[i]];
            if (heads[i]) {
                DIVAN_TRY(known.tree, database_.tree(*heads[i]));
                known.head = std::move(heads[i]);
            }
        }
        std::vector<JudgedEdit> judged;
        judged.reserve(pending_.size()); // `earlier` points into it
        for (std::size_t i = 0; i < pending_.size(); ++i)
            if (expected_->judged[i]) {
                DIVAN_TRY_VOID(prepare_edit(i, documents[pending_[i].edit.id], judged));
            }
        return judged;
    }

    Result<void> prepare_edit(std::size_t i, Known &known, std::vector<JudgedEdit> &judged) {
        const auto &edit = pending_[i].edit;
        auto replaced = replaced_by(known.tree, edit);
        if (!replaced.stores)
            return {}; // refused, or there already: the commit group says so
        JudgedEdit one;
        one.edit = &edit;
        if (replaced.rev) {
            DIVAN_TRY(one.replaced, read_replaced(known, *replaced.rev, !edit.path));
            // Written meanwhile: the commit group finds another state.
            if (!one.replaced && !edit.path)
                return {};
        }
        auto generation = edit.path ? edit.path->start : edit.parent ? edit.parent->generation + 1 : 1;
        DIVAN_TRY(one.body, resolve_body(edit, generation, [&]() -> Result<std::optional<Body>> {
                      return one.replaced ? std::optional(one.replaced->body) : std::nullopt;
                  }));
        expected_->replaced[i] = std::move(replaced);
        judged_.push_back(i);
        judged.push_back(std::move(one));
        if (edit.path) {
            // For the edits behind it in the same write.
            auto number = kEarlierBase + i;
            known.tree.merge(*edit.path, {edit.deleted, number});
            known.earlier[number] = &judged.back();
        }
        return {};
    }

    // `rev`, or of `exact` = false the nearest of it and its ancestors whose body is still there.
    Result<std::optional<ReplacedRevision>> read_replaced(Known &known, const doc::RevId &rev, bool exact) {
        auto history = *known.tree.history(rev);
        history.resize(std::min(history.size(), exact ? 1 : kAncestorsMax));
        for (const auto &node : history) {
            ReplacedRevision replaced;
            replaced.deleted = node.info.deleted;
            if (auto earlier = known.earlier.find(node.info.body); earlier != known.earlier.end()) {
                replaced.body = earlier->second->body;
            } else if (known.head) {
                DIVAN_TRY(auto body, database_.body(*known.head, node.rev, node.info));
                if (!body)
                    continue;
                replaced.body = std::move(*body);
            } else {
                continue;
            }
            replaced.path = *known.tree.path(node.rev);
            return std::optional(std::move(replaced));
        }
        return std::optional<ReplacedRevision>();
    }

    // `verdicts` are of the edits in judged_.
    void commit(std::vector<Result<void>> verdicts) {
        std::vector<bool> refused(pending_.size(), false);
        for (std::size_t i = 0; i < verdicts.size(); ++i)
            if (!verdicts[i].ok()) {
                refused[judged_[i]] = true;
                answers_[pending_[judged_[i]].index] = verdicts[i].error();
            }
        auto expected = expected_ ? std::make_shared<ExpectedStates>() : nullptr;
        std::vector<Pending> accepted;
        std::vector<Edit> edits;
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            if (refused[i])
                continue;
            if (expected) {
                expected->judged.push_back(expected_->judged[i]);
                expected->replaced.push_back(std::move(expected_->replaced[i]));
            }
            edits.push_back(pending_[i].edit); // it may have to go into another round
            accepted.push_back(std::move(pending_[i]));
        }
        pending_ = std::move(accepted);
        if (pending_.empty()) {
            done_(std::move(answers_));
            return;
        }
        if (expected) {
            expected->design_version = expected_->design_version;
            expected->stale.assign(pending_.size(), false);
        }
        expected_ = expected;
        state_->submit_edits(std::move(edits), context_, std::move(expected),
                             [self = shared_from_this()](std::vector<Result<Written>> answers) {
                                 self->committed(std::move(answers));
                             });
    }

    void committed(std::vector<Result<Written>> answers) {
        std::vector<Pending> again;
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            if (expected_ && expected_->stale[i] && !answers[i].ok() &&
                answers[i].error().code() == ErrorCode::conflict)
                again.push_back(std::move(pending_[i]));
            else
                answers_[pending_[i].index] = std::move(answers[i]);
        }
        pending_ = std::move(again);
        if (pending_.empty())
            done_(std::move(answers_));
        else
            post_round();
    }

    void answer_pending(const Error &error) {
        for (const auto &pending : pending_)
            answers_[pending.index] = error;
        done_(std::move(answers_));
    }

    // Numbers of bodies are sequences: far below.
    static constexpr std::uint64_t kEarlierBase = std::uint64_t{1} << 63;

    const std::shared_ptr<Database::State> state_;
    Database database_;
    const WriteContext context_;
    Database::WriteDone done_;
    std::vector<Result<Written>> answers_;
    std::vector<Pending> pending_;
    std::vector<std::size_t> judged_; // indexes into pending_
    std::shared_ptr<ExpectedStates> expected_;
    int round_ = 0;
};

} // namespace

void write_validated(std::shared_ptr<Database::State> state, std::vector<Edit> edits, WriteContext context,
                     Database::WriteDone done) {
    std::make_shared<ValidatedWrite>(std::move(state), std::move(edits), std::move(context), std::move(done))
        ->post_round();
}

} // namespace divan::db
