// Package ra is the registration authority: who may have which certificate,
// and until when.
//
// It owns persons as the resident register tells them, the issue of
// certificates for cards at the municipality's door, the registration of a
// phone (application, keys, registration), the lease of a registered phone
// (check-ins, silence, suspension), the notices of the second channel, and the
// door through which registered verifiers learn linkage and released
// attributes. Signing certificates is left to package ca, what a certificate
// may contain to package profile, and answering for status to package status.
//
// The standards: RFC 2986 (PKCS#10), RFC 5280 (reasons and holds), RFC 5652
// (the application), RFC 7515 (the steps), and the Android Key Attestation
// extension as package attest reads it. The states and rules are those of
// docs/lifecycle.md.
//
// # Trust
//
// A phone is trusted for nothing that its element did not sign under a chain
// to one of the configured makers' roots: the authority knows no element by
// name. A card's signature is trusted as far as its certificate is good in our
// own ledger at that moment. A municipality is trusted for the persons of the
// register, whichever municipality it is, and every word of it is audited
// under its id. A verifier is trusted with the pairwise id of a person whose
// certificate it has seen, and with attributes only against the holder's own
// release. The store is trusted: whoever writes it can make a person.
package ra
