#include "api/list_run.h"

namespace divan::api {

Result<std::vector<std::string>> ListRun::next() {
    std::vector<std::string> rows;
    while (rows.empty() && more_) {
        DIVAN_TRY(more_, reader_->next(rows_));
        rows = rows_.take_rows();
    }
    return rows;
}

bool ListRun::write(const std::optional<std::string> &start, std::string chunks) {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [this] { return closed_ || part_.chunks.size() <= buffer_bytes_max_; });
    if (closed_)
        return false;
    if (start)
        part_.start = start;
    part_.chunks.append(chunks);
    lock.unlock();
    event_->notify();
    return true;
}

void ListRun::finish(Result<script::CallAnswer> answer) {
    {
        std::lock_guard lock(mutex_);
        part_.answer = std::move(answer);
    }
    event_->notify();
}

ListRun::Part ListRun::take() {
    std::lock_guard lock(mutex_);
    taken_.notify_all();
    return std::exchange(part_, Part());
}

void ListRun::close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    taken_.notify_all();
}

} // namespace divan::api
