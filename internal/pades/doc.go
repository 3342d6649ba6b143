// Package pades puts signatures into PDF files and reads them back: PAdES
// baseline (ETSI EN 319 142-1) over ISO 32000-1 and -2, section 12.8.
//
// It owns the file: the incremental update with the signature field, the byte
// range, the document security store and document time-stamps; and, for a file
// that comes from outside, which bytes each signature covers and what was changed
// after it. The CMS inside is package cms's, and whether a certificate is any good
// certpath's. Encrypted files are refused; visible marks are not made.
//
// # Trust
//
// Every file is a stranger's. The reader is strict and never repairs: where two
// PDF programs could see different documents, the file is refused, because that
// difference is what attacks on PDF signatures live on. What was added after a
// signature is judged by an allow-list (docs/decisions), not by a list of known
// attacks. Sizes, nesting, references and decompressed bytes are bounded; see
// limits.go. Signatures says what a signature covers; it does not say that the
// signature is right: that is cms.Verify over Signature.Content.
package pades
