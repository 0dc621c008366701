#include "script/worker/answer.h"

namespace divan::script {
namespace {

constexpr std::size_t kLineBytes = 16; // what a line costs beside its text

void put_u32(char *at, std::size_t value) {
    for (int i = 0; i < 4; ++i)
        at[i] = static_cast<char>((value >> (8 * i)) & 0xff);
}

void append_text(std::string &bytes, std::string_view text) {
    append_u32(bytes, text.size());
    bytes.append(text);
}

} // namespace

void append_u32(std::string &bytes, std::size_t value) {
    char raw[4];
    put_u32(raw, value);
    bytes.append(raw, sizeof raw);
}

void LogSink::add(std::uint32_t function, std::string_view text) {
    if (bytes_left_ <= kLineBytes)
        return;
    bytes_left_ -= kLineBytes;
    if (text.size() > bytes_left_) {
        auto end = static_cast<std::size_t>(bytes_left_);
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
            --end;
        text = text.substr(0, end);
    }
    bytes_left_ -= text.size();
    ++count_;
    append_u32(bytes_, function);
    append_text(bytes_, text);
}

void LogSink::write(std::string &bytes) const {
    append_u32(bytes, count_);
    bytes.append(bytes_);
}

void RowSink::begin_call(std::uint32_t document, std::uint32_t function) {
    row_count_ += call_rows_;
    call_rows_ = 0;
    call_begin_ = rows_.size();
    document_ = document;
    function_ = function;
}

void RowSink::fail(const FunctionError &error) {
    rows_.resize(call_begin_);
    call_rows_ = 0;
    ++failure_count_;
    append_u32(failures_, document_);
    append_u32(failures_, function_);
    append_text(failures_, error.error);
    append_text(failures_, error.reason);
}

void RowSink::begin_row() {
    char header[12];
    put_u32(header, document_);
    put_u32(header + 4, function_);
    rows_.append(header, sizeof header);
    length_at_ = rows_.size() - 4;
}

void RowSink::end_key() {
    put_u32(rows_.data() + length_at_, rows_.size() - length_at_ - 4);
    rows_.append(4, '\0');
    length_at_ = rows_.size() - 4;
}

void RowSink::end_value() {
    put_u32(rows_.data() + length_at_, rows_.size() - length_at_ - 4);
    ++call_rows_;
}

void RowSink::write(std::string &bytes) const {
    append_u32(bytes, row_count_ + call_rows_);
    bytes.append(rows_);
    append_u32(bytes, failure_count_);
    bytes.append(failures_);
}

} // namespace divan::script
