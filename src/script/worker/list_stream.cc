#include "script/worker/list_stream.h"

#include "script/protocol.h"

#include <unistd.h>
#include <utility>

namespace divan::script {

void ListStream::start(std::string response) {
    if (!started_)
        start_ = std::move(response);
}

bool ListStream::write(std::string_view text) {
    if (text.size() > chunk_bytes_max_ - chunks_.size())
        return false;
    chunks_.append(text);
    return true;
}

void ListStream::send(bool wants_rows) {
    protocol::Writer writer(protocol::Kind::chunks);
    writer.u8(wants_rows ? 1 : 0);
    writer.u8(started_ ? 0 : 1);
    writer.text(started_ ? "" : start_.value_or("{}"));
    writer.text(chunks_);
    channel_.write(std::move(writer).frame());
    started_ = true;
    chunks_.clear();
}

void ListStream::fetch() {
    send(true);
    auto rows = protocol::decode_rows(channel_.read());
    if (!rows.ok())
        _exit(1);
    rows_.assign(rows->begin(), rows->end());
    next_ = 0;
    at_end_ = rows_.empty();
}

std::optional<std::string> ListStream::next_row() {
    if (next_ == rows_.size() && !at_end_)
        fetch();
    if (at_end_)
        return std::nullopt;
    return std::move(rows_[next_++]);
}

void ListStream::finish() {
    if (!started_ || !chunks_.empty())
        send(false);
}

} // namespace divan::script
