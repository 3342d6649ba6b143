package sandbox

// MakerName stands in every attestation of the sandbox's phones. It says what they
// are: their elements play hardware, in software. Production refuses this root.
const MakerName = "Tegata Sandbox Maker (elements in software)"
