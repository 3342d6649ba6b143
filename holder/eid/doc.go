// Package eid is an ID card, or a phone's element, as a terminal sees it: files,
// tries left, secrets that open keys, and keys as crypto.Signer.
//
// It owns the terminal's half of the JPKI application, and the words for what a
// card refused: which secret, how many tries are left, what the way back is. It
// leaves to package reader how bytes get there, and to certpath whether a
// certificate that it read is good. The applications of the card that hold the
// printed data come later.
//
// Standard: ISO/IEC 7816-4 as package apdu has it; RFC 8017 for what a key signs.
//
// # Trust
//
// The card is not trusted: its answers are bounded, its certificates only parsed.
// A secret goes into one VERIFY command and nowhere else; no error or log here
// can hold it.
package eid
