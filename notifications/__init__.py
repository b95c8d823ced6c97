"""The outbox, the rendering of messages, and the channels that carry them."""
