// Package cms makes and checks signatures of one person over one content:
// CMS SignedData (RFC 5652) in the shape of CAdES baseline B-B (ETSI EN 319
// 122-1): the application that a card signs, and documents that a phone signs.
//
// It owns the encoding, the attributes (content-type, message-digest,
// signing-time, signing-certificate-v2) and the check that signature,
// attributes, content and certificate belong together. Whether the certificate
// is any good (path, status, policy) is left to certpath and the caller.
//
// # Trust
//
// The message is a stranger's, its certificate included. Verify makes no
// statement about who the signer is; it says that the holder of the key in
// Signed.Certificate signed exactly this content and meant that certificate.
// Only DER is read, one signer, signed attributes, SHA-256 or better: what the
// standards allow beyond is where substitution attacks live, and nobody we talk
// to needs it. The moment of signing is the signer's claim.
package cms
