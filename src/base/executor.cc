#include "base/executor.h"

namespace divan {

ThreadPool::ThreadPool(std::size_t thread_count) {
    threads_.reserve(thread_count);
    for (std::size_t i = 0; i < thread_count; ++i)
        threads_.emplace_back([this] { run(); });
}

ThreadPool::~ThreadPool() {
    stop();
}

void ThreadPool::post(UniqueFunction<void()> work) {
    {
        std::lock_guard lock(mutex_);
        if (!stopping_) {
            queue_.push_back(std::move(work));
            ready_.notify_one();
            return;
        }
    }
    work();
}

void ThreadPool::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    ready_.notify_all();
    for (auto &thread : threads_)
        if (thread.joinable())
            thread.join();
}

std::size_t ThreadPool::queue_length() const {
    std::lock_guard lock(mutex_);
    return queue_.size();
}

void ThreadPool::run() {
    for (;;) {
        UniqueFunction<void()> work;
        {
            std::unique_lock lock(mutex_);
            ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty())
                return;
            work = std::move(queue_.front());
            queue_.pop_front();
        }
        work();
    }
}

} // namespace divan
