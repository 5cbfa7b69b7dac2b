//! What every OpenC2 transfer implements.
