#pragma once

// The socket to the server: whole frames, one after the other. The process ends when the server hangs up.

#include <string>
#include <string_view>

namespace divan::script {

class Channel {
  public:
    explicit Channel(int descriptor) : descriptor_(descriptor) {}
    // The next frame, without its length; valid until the next call.
    std::string_view read();
    void write(std::string_view frame);

  private:
    void read_exactly(char *bytes, std::size_t size);

    const int descriptor_;
    std::string frame_;
};

} // namespace divan::script
