// Package oidc is the OpenID Provider: the verdict of a ceremony as an ID Token, for
// relying parties that speak OpenID Connect and know nothing of us.
//
// It owns the registered clients, the pages between a relying party and the phone,
// codes, tokens and grants, the documents that relying parties bring to be signed, the
// signing keys of ID Tokens, and what ends a grant. Who a person is, and whether the
// certificate still stands, is said by package gateway, of which this package is an
// asking party like any other: its requests name the relying party in on_behalf_of.
//
// It follows OpenID Connect Core 1.0 (code flow), RFC 6749 as narrowed by RFC 9700,
// RFC 7636, RFC 7009, RFC 7662, RFC 9207, and for clients of the profile fapi2 the FAPI
// 2.0 Security Profile with RFC 9126 and RFC 9449. docs/conformance.md says which test
// holds which clause.
//
// # Trust
//
// A client is trusted with its registered addresses, purpose and claims. A browser is
// trusted with the login that it began, by a cookie of its own; a link that somebody
// else sent it opens nothing. Codes, tokens and client secrets rest as SHA-256 only.
// The released attributes of a grant rest in clear until it ends, and a document until
// it is signed or its time is over: the database is trusted, as package store says. The
// library behind the protocol sees tokens and claims; it stands behind the interface
// engine, and what may happen only once is decided by our store and never by it.
package oidc
