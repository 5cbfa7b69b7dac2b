//! The OpenC2 profile for stateless packet filtering (SLPF 1.0): its language, without effects.
