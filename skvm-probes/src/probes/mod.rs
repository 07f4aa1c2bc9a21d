//! The standard probes.
//!
//! | probe | primitive | L1 | L2 | L3 |
//! |---|---|---|---|---|
//! | [`GenTextStructuredProbe`] | `gen.text.structured` | flat JSON | nested JSON | deep JSON |
//! | [`ReasonArithmeticProbe`] | `reason.arithmetic` | one operation | average, tax | compound interest, chained percentages |
//! | [`FollowFormatProbe`] | `follow.format` | CSV | a given schema | several rules at once |

mod follow_format;
mod gen_text_structured;
mod reason_arithmetic;
mod unique_keys;

pub use follow_format::FollowFormatProbe;
pub use gen_text_structured::GenTextStructuredProbe;
pub use reason_arithmetic::ReasonArithmeticProbe;
