//! The functions of Rego that a policy may call, and why it may not call the others.
//!
//! INVARIANT (same input, same answer): nothing here reads a clock, a file, the network, the environment
//! or chance. What the engine offers beyond this list does not compile.

/// Functions of the engine that depend on their arguments only.
pub(crate) const PURE: &[&str] = &[
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "base64.decode",
    "base64.encode",
    "base64.is_valid",
    "base64url.decode",
    "base64url.encode",
    "base64url.encode_no_pad",
    "bits.and",
    "bits.negate",
    "bits.or",
    "bits.rsh",
    "bits.xor",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "format_int",
    "glob.match",
    "glob.quote_meta",
    "hex.decode",
    "hex.encode",
    "indexof",
    "indexof_n",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "json.filter",
    "json.is_valid",
    "json.marshal",
    "json.remove",
    "json.unmarshal",
    "lower",
    "max",
    "min",
    "net.cidr_contains",
    "net.cidr_is_valid",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.subset",
    "object.union",
    "object.union_n",
    "print",
    "product",
    "regex.find_n",
    "regex.is_valid",
    "regex.match",
    "regex.replace",
    "regex.split",
    "round",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "strings.reverse",
    "substring",
    "sum",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "units.parse",
    "units.parse_bytes",
    "upper",
    "walk",
];

/// Whether a policy may call this function. `clock::FUNCTIONS` are those that we add.
pub(crate) fn is_allowed(name: &str) -> bool {
    PURE.contains(&name) || crate::clock::FUNCTIONS.iter().any(|(known, _)| *known == name)
}

/// Why this function may never be named in a policy, if it is one of those.
pub(crate) fn forbidden(name: &str) -> Option<&'static str> {
    let (root, _) = name.split_once('.')?;
    match root {
        "http" => Some("a policy cannot reach the network"),
        "net" if name == "net.lookup_ip_addr" => Some("a policy cannot reach the network"),
        "rand" => Some("a policy has no randomness: the same input must get the same answer"),
        "uuid" if name == "uuid.rfc4122" => {
            Some("a policy has no randomness: the same input must get the same answer")
        }
        "opa" if name == "opa.runtime" => Some("a policy cannot read the environment"),
        "rego" if name.starts_with("rego.") => Some("a policy cannot read its own source"),
        "time" if name == "time.now_ns" => None,
        _ => None,
    }
}
