//! well_formed
