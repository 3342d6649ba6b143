// Package attest reads and writes what a maker says about a key in its phones:
// that it was generated in the hardware, for signing, that it cannot be taken
// out, and in which state the phone had started.
//
// It owns the Android Key Attestation extension (1.3.6.1.4.1.11129.2.1.17),
// our own element extension (<arc>.7: element id and reset counter), the
// verification of an attestation chain, and the maker of the sandbox's phones
// (a root, one batch key a model). Which models are supported and what follows
// from a refusal is decided in issuer/ra.
//
// Standards: Android Key and ID Attestation (the KeyDescription schema,
// versions 1 to 400), RFC 5280 for the chain, RFC 2986 for the request that
// comes with it.
//
// # Trust
//
// A root is trusted completely: its maker can attest anything. The chain, the
// extension and the request are a stranger's bytes until VerifyChain has found
// their root. Only what the hardwareEnforced list says counts as said by the
// hardware; softwareEnforced is the operating system's word and is read, never
// believed. Our element extension is no part of Android: a real phone has none,
// and what that costs is in docs/divergences.md.
package attest
