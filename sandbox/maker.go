package sandbox

// MakerName stands in every attestation of the sandbox's phones. It says what they
// are: their elements play hardware, in software. Production refuses this root.
const MakerName = "Tegata Sandbox Maker (elements in software)"

// CopycatName is a maker whose root no authority trusts.
const CopycatName = "Copycat Phones (unknown to the authority)"
