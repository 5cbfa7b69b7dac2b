//! Checks of the Language Specification, arranged as it is.

mod section_3_1;
mod section_3_1_5_1;
mod section_3_2;
mod section_3_3;
mod section_3_3_2_1;
mod section_3_4;
mod section_4;
pub(crate) mod table;

use crate::check::Check;

/// All of them.
pub(crate) fn checks() -> Vec<Check> {
    let sections = [
        section_3_1::checks(),
        section_3_1_5_1::checks(),
        section_3_2::checks(),
        section_3_3::checks(),
        section_3_3_2_1::checks(),
        section_3_4::checks(),
        section_4::checks(),
    ];
    [vec![crate::corpus::check()], sections.concat()].concat()
}
