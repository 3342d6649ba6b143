// Package xades makes and checks the signature of one person over an XML document
// or over a file beside it: XML Signature 1.1 (W3C) in the shape of XAdES baseline
// (ETSI EN 319 132-1), levels B-B, B-T, B-LT and B-LTA.
//
// It owns the encoding, the rules by which a signature covers a document, the
// check that signature, properties, content and certificate belong together, and
// the form in which people read an XML document before they sign it. Reading and
// canonicalising XML is package c14n's; whether a certificate, a time-stamp token
// or an OCSP answer is any good is left to the caller.
//
// # Three forms
//
//   - Enveloped: the signature is a child of the document element and covers the
//     whole document but itself.
//   - Enveloping: the signature is the document; what is signed is in its Objects.
//   - Detached: the signature is a document of its own; what is signed is the bytes
//     that are given beside it.
//
// # Trust
//
// The document is a stranger's, its certificates included. Signatures says that
// the holder of the key in Signed.Certificate signed exactly the octets in
// Signed.Contents; who that is, and when it was, are claims for others to check.
// XML Signature lets a signature point anywhere, through transforms, at the
// network and at keys of several kinds; wrapping attacks live in that freedom, and
// so here a signature covers everything in its document or is refused: no element
// beside it, no unsigned Object, no reference to a part. Nothing is ever fetched.
package xades
