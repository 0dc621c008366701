#include "simulation/checks.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "db/document_text.h"
#include "replication/checkpoint.h"
#include "json/parser.h"

#include <fmt/format.h>

namespace divan::simulation {
namespace {

struct Document {
    db::Head head;
    doc::RevTree tree;
};

// All documents, also deleted ones, by id. What cannot be read is a problem, and left out.
std::map<std::string, Document> read_documents(const Replica &replica, Problems &problems) {
    std::map<std::string, Document> documents;
    auto page = replica.database.changes({.rows_max = 1'000'000});
    if (!page.ok()) {
        problems.push_back(fmt::format("{}: the feed cannot be read", replica.name));
        return documents;
    }
    for (const auto &change : page->changes) {
        auto head = replica.database.head(change.id);
        if (!head.ok() || !*head) {
            problems.push_back(fmt::format("{}: {} of the feed is not there", replica.name, change.id));
            continue;
        }
        auto tree = replica.database.tree(**head);
        if (!tree.ok()) {
            problems.push_back(fmt::format("{}: the tree of {} cannot be read", replica.name, change.id));
            continue;
        }
        if (tree->leaves().size() != change.leaves.size())
            problems.push_back(
                fmt::format("{}: the feed has other leaves of {} than its tree", replica.name, change.id));
        documents.emplace(change.id, Document{std::move(**head), std::move(*tree)});
    }
    return documents;
}

std::optional<std::int64_t> value_of(const db::Body &body) {
    auto json = json::parse(body.json);
    const auto *value = json.ok() && json->is_object() ? json->object().find("v") : nullptr;
    return value == nullptr ? std::nullopt : value->as_int64();
}

std::string leaf_text(const doc::Leaf &leaf) {
    return leaf.rev.text() + (leaf.info.deleted ? "*" : "");
}

// Everything of a document that replicas have in common.
std::string content_text(const Replica &replica, const Document &document) {
    std::string text;
    for (const auto &leaf : document.tree.leaves()) {
        text.append(leaf_text(leaf)).append(" ");
        auto body = replica.database.body(document.head, leaf.rev, leaf.info);
        if (!body.ok() || !*body) {
            text.append("no body at " + replica.name + ";");
            continue;
        }
        text.append((**body).json.size() < 40 ? (**body).json : hex_encode(crypto::md5((**body).json)));
        for (const auto &attachment : (**body).attachments)
            text.append(fmt::format(" {} {} {} {}", attachment.name, attachment.content_type,
                                    attachment.revpos, db::attachment_digest(attachment.data)));
        text.append(";");
    }
    return text;
}

// The bytes of an attachment are those that its digest tells.
bool is_whole(db::Database &database, const db::StoredData &data) {
    std::string bytes;
    auto reader = database.open_attachment(data);
    for (;;) {
        auto some = reader->read_some();
        if (!some.ok())
            return false;
        if (some->empty())
            break;
        bytes.append(*some);
    }
    return bytes.size() == data.stored_bytes && crypto::md5(bytes) == data.md5;
}

// What the history knows of one document.
struct Known {
    std::map<std::int64_t, const Write *> by_value;
    std::map<std::string, const Write *> acknowledged; // by revision
};

std::map<std::string, Known> by_document(const History &history) {
    std::map<std::string, Known> known;
    for (const auto &write : history.writes()) {
        auto &one = known[write.id];
        if (write.value)
            one.by_value[*write.value] = &write;
        if (write.outcome == Write::Outcome::acknowledged)
            one.acknowledged[write.rev] = &write;
    }
    return known;
}

void check_leaf(const Replica &replica, const Document &document, const doc::Leaf &leaf, const Known &known,
                Problems &problems) {
    auto where = fmt::format("{}: {} {}", replica.name, document.head.id, leaf.rev.text());
    auto body = replica.database.body(document.head, leaf.rev, leaf.info);
    if (!body.ok() || !*body) {
        problems.push_back(where + " has no body");
        return;
    }
    for (const auto &attachment : (**body).attachments)
        if (!is_whole(replica.database, attachment.data))
            problems.push_back(where + " has an attachment that is not whole: " + attachment.name);
    auto value = value_of(**body);
    if (value) {
        auto sent = known.by_value.find(*value);
        if (sent == known.by_value.end())
            problems.push_back(fmt::format("{} has a body that nobody sent: {}", where, *value));
        else if (sent->second->outcome == Write::Outcome::refused)
            problems.push_back(fmt::format("{} has a body that was refused: {}", where, *value));
    }
    auto told = known.acknowledged.find(leaf.rev.text());
    if (told == known.acknowledged.end())
        return;
    const auto &write = *told->second;
    if (write.value && write.value != value)
        problems.push_back(fmt::format("{} has another body than was acknowledged: {}", where, *write.value));
    bool attached = write.attachment.empty();
    for (const auto &attachment : (**body).attachments)
        attached |=
            attachment.name == write.attachment && attachment.data.content_bytes == write.attachment_bytes;
    if (!attached)
        problems.push_back(where + " lacks the attachment " + write.attachment);
}

void check_acknowledged(const Replica &replica, const std::map<std::string, Document> &documents,
                        const Write &write, Problems &problems) {
    auto found = documents.find(write.id);
    if (found == documents.end() || !found->second.tree.find(doc::RevId::parse(write.rev).value()))
        problems.push_back(fmt::format("{}: {} {} is lost, which {} has acknowledged", replica.name, write.id,
                                       write.rev, write.node));
}

const json::Object *object_of(const Result<json::Value> &value) {
    return value.ok() && value->is_object() ? &value->object() : nullptr;
}

} // namespace

std::string leaves_text(db::Database &database) {
    auto page = database.changes({.rows_max = 1'000'000});
    if (!page.ok())
        return {};
    std::map<std::string, std::string> lines;
    for (const auto &change : page->changes)
        for (const auto &leaf : change.leaves)
            lines[change.id].append(" ").append(leaf_text(leaf));
    std::string text = ".";
    for (const auto &[id, line] : lines)
        text.append(id).append(line).append(";");
    return text;
}

void check_equal(const std::vector<Replica> &replicas, Problems &problems) {
    std::map<std::string, std::map<std::string, std::string>> contents; // by id, by replica
    for (const auto &replica : replicas)
        for (const auto &[id, document] : read_documents(replica, problems))
            contents[id][replica.name] = content_text(replica, document);
    for (const auto &[id, of_replica] : contents) {
        const auto &first = of_replica.begin()->second;
        for (const auto &replica : replicas) {
            auto there = of_replica.find(replica.name);
            if (there == of_replica.end())
                problems.push_back(fmt::format("{} lacks document {}", replica.name, id));
            else if (there->second != first)
                problems.push_back(fmt::format("{} and {} differ in {}: {} {}", of_replica.begin()->first,
                                               replica.name, id, first, there->second));
        }
    }
}

void check_history(const Replica &replica, const History &history, Problems &problems) {
    auto documents = read_documents(replica, problems);
    auto known = by_document(history);
    for (const auto &[id, document] : documents)
        for (const auto &leaf : document.tree.leaves())
            check_leaf(replica, document, leaf, known[id], problems);
    for (const auto &write : history.writes())
        if (write.outcome == Write::Outcome::acknowledged)
            check_acknowledged(replica, documents, write, problems);
}

void check_durable(const Replica &replica, const History &history, Problems &problems) {
    auto documents = read_documents(replica, problems);
    for (const auto &write : history.writes())
        if (write.outcome == Write::Outcome::acknowledged && write.node == replica.name)
            check_acknowledged(replica, documents, write, problems);
}

void check_follower(const Replica &replica, const Follower &follower, Problems &problems) {
    if (!follower.finished()) {
        problems.push_back("the follower of " + replica.name + " does not come to the end of the feed");
        return;
    }
    auto page = replica.database.changes({.rows_max = 1'000'000});
    if (!page.ok())
        return;
    for (const auto &change : page->changes) {
        std::set<std::string> leaves;
        for (const auto &leaf : change.leaves)
            leaves.insert(leaf.rev.text());
        auto seen = follower.seen().find(change.id);
        if (seen == follower.seen().end() || seen->second != leaves)
            problems.push_back(fmt::format("the follower of {} has missed sequence {}, {}", replica.name,
                                           change.sequence.value, change.id));
    }
}

void check_checkpoint(const Replica &source, const Replica &target, const std::string &log_id,
                      Problems &problems) {
    auto at_source = source.database.local(log_id);
    auto at_target = target.database.local(log_id);
    if (!at_source.ok() || !at_target.ok() || !*at_source || !*at_target)
        return;
    auto source_log = json::parse((**at_source).json);
    auto target_log = json::parse((**at_target).json);
    auto common = replication::common_point(object_of(source_log), object_of(target_log));
    auto sequence = json::parse(common.sequence);
    auto last = source.database.last_sequence();
    if (!sequence.ok() || !sequence->is_string() || !last.ok())
        return;
    auto since = source.database.since(sequence->string(), *last);
    auto page = source.database.changes({.rows_max = 1'000'000});
    if (!since.ok() || !page.ok())
        return;
    for (const auto &change : page->changes) {
        if (change.sequence > *since)
            break;
        auto head = target.database.head(change.id);
        if (!head.ok())
            return;
        auto tree = *head ? target.database.tree(**head) : Result<doc::RevTree>(doc::RevTree());
        for (const auto &leaf : change.leaves)
            if (tree.ok() && !tree->find(leaf.rev)) {
                auto &problem = problems.emplace_back(fmt::format(
                    "the checkpoint from {} to {} at {} lies beyond {}, {} {}; there is", source.name,
                    target.name, since->value, change.sequence.value, change.id, leaf.rev.text()));
                for (const auto &there : tree->leaves())
                    problem.append(" ").append(leaf_text(there));
            }
    }
}

} // namespace divan::simulation
