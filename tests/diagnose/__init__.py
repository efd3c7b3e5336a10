"""What a server says of itself: each rule by itself, and each fault by the first issue that is named."""
