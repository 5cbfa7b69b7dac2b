//! The OpenC2 language: every type of a Command, a Response and the Message around them.
