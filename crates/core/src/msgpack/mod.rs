//! MessagePack as another spelling of the JSON that Annals keeps.
//!
//! Everything inside is JSON text; this translates one value at the edge, both ways. It knows no
//! envelope. What MessagePack cannot say in JSON's terms (ext, NaN, infinity, keys that are no
//! strings) is refused by name, never dropped.
//!
//! # Translation
//!
//! | JSON | MessagePack |
//! |---|---|
//! | integer text that is exactly an `i64` or `u64` | int, in its shortest form |
//! | number text that is the shortest one of its `f64` (`1.5`, `1.0`, `1e16`) | float 64 |
//! | any other number text (`1.50`, `-0`, `1e400`, 30 digits) | map `{"$num": "text"}` |
//! | object `{"$bin": "canonical base64"}` | bin |
//! | object `{"$num": "number text"}`, meant as an object | map `{"$$num": "number text"}` |
//! | string | str; escapes are gone, and come back in the shortest spelling |
//!
//! Float 32 becomes the shortest text that reads back as the same `f32`.
//!
//! INVARIANT (lossless): JSON to MessagePack to JSON gives every value and every number text back;
//! only the spelling of escapes may differ. To keep `{"$num": …}` free for numbers, an object whose
//! only key is `$num`, `$$num`, `$$$num` … and whose value is a string with a number text gets one
//! more `$` on the way out, and loses one on the way in. All other objects stay as they are, so
//! `{"$num": "x"}` or `{"$num": "1", "a": 2}` mean nothing special. `{"$bin": …}` needs no such
//! rule: the object and the bin value are one and the same value in two spellings.

mod decode;
mod encode;
mod error;
mod tagged;

#[cfg(test)]
mod round_trip_tests;

pub use decode::to_json;
pub use encode::from_json;
pub use error::MsgpackError;
