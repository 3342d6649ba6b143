// Package cms makes and checks signatures of one person over one content:
// CMS SignedData (RFC 5652) in the shape of CAdES baseline B-B (ETSI EN 319
// 122-1): the application that a card signs, and documents that a phone signs.
//
// The same encoding serves the messages inside PDF signatures (ETSI EN 319 142-1)
// and time-stamp tokens (RFC 3161).
//
// It owns the encoding, the signed attributes (content-type, message-digest,
// signing-time, signing-certificate-v2), the unsigned ones of the levels B-T, B-LT
// and B-LTA, and the check that signature, attributes, content and certificate
// belong together. Whether a certificate is any good (path, status, policy) is left
// to certpath and the caller, what a time-stamp token says to package tsp.
//
// # Trust
//
// The message is a stranger's, its certificate included. Verify makes no
// statement about who the signer is; it says that the holder of the key in
// Signed.Certificate signed exactly this content and meant that certificate.
// Only DER is read, one signer, signed attributes, SHA-256 or better: what the
// standards allow beyond is where substitution attacks live, and nobody we talk
// to needs it. The moment of signing is the signer's claim. Unsigned attributes are
// anybody's: a time-stamp among them proves something once package tsp and certpath
// have agreed, and never before.
package cms
